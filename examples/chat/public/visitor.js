/*
 * What this browser remembers. Storage is shared by its tabs: together they are one visitor.
 */

/** The name to log in with again; null after a logout. */
export const rememberedName = () => localStorage.getItem('name')

export const rememberName = (name) => localStorage.setItem('name', name)

export const forgetName = () => localStorage.removeItem('name')

/** Calls `listener` with the name, or null, when another tab has logged in or out. */
export function onOtherTab(listener) {
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === 'name') listener(newValue)
  })
}

/** What the server knows the visitor by: a secret, made once, that never goes anywhere else. */
export function visitorKey() {
  let key = localStorage.getItem('key')
  if (key === null) {
    // Not randomUUID: pages have that on https and localhost only.
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    localStorage.setItem('key', key)
  }
  return key
}
