const HUES = [225, 160, 20, 285, 345, 195, 95, 45]

/** A disc with the first letter of a name, always in the same colour for the same name. */
export function createAvatar(name) {
  const avatar = document.createElement('span')
  avatar.className = 'avatar'
  avatar.setAttribute('aria-hidden', 'true')
  avatar.textContent = [...name][0].toUpperCase()
  let hash = 0
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 1_000_003
  avatar.style.setProperty('--hue', HUES[hash % HUES.length])
  return avatar
}
