/** The part of a page that is used here; workers have less of it, Node.js has none. */
interface Page {
  readonly document?: EventTarget & { readonly visibilityState: string }
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

/**
 * Calls back when the world may be another one: the network is back, the page is visible again or comes
 * out of the browser's cache.
 *
 * @returns ends it.
 */
export function onWake(wake: () => void): () => void {
  const page = globalThis as Page
  const { document } = page
  const onVisible = () => {
    if (document?.visibilityState === 'visible') wake()
  }
  const toggle = (method: 'addEventListener' | 'removeEventListener') => {
    for (const event of ['online', 'pageshow']) page[method]?.(event, wake)
    document?.[method]('visibilitychange', onVisible)
  }
  toggle('addEventListener')
  return () => toggle('removeEventListener')
}
