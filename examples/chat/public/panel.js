/** On narrow screens the list of people opens with a button, and closes with a click beside it or Escape. */
export function createPanel(panel, toggle) {
  const isOpen = () => panel.classList.contains('open')

  function open(shouldOpen) {
    panel.classList.toggle('open', shouldOpen)
    toggle.setAttribute('aria-expanded', String(shouldOpen))
  }

  toggle.addEventListener('click', () => open(!isOpen()))
  document.addEventListener('click', ({ target }) => {
    if (!panel.contains(target) && !toggle.contains(target)) open(false)
  })
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !isOpen()) return
    open(false)
    toggle.focus()
  })
  return { close: () => open(false) }
}
