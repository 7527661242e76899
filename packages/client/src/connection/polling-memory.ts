/** Where texts are kept: a Map, or the storage of a page. */
export interface TextStore {
  get(key: string): string | null | undefined
  set(key: string, value: string): unknown
}

const KEPT_MS = 3_600_000

/** Whether polling won on the way to a server, lately. */
export interface PollingMemory {
  /** Whether to begin with polling. */
  isSet(): boolean
  set(isPolling: boolean): void
}

/**
 * Remembers for an hour that polling won, so that the next page does not wait for a WebSocket that does not get through.
 *
 * @param server  Origin and path of the server.
 */
export function pollingMemory(store: TextStore, server: string): PollingMemory {
  const key = `roomcast polling ${server}`
  return {
    isSet: () => Number(store.get(key)) > Date.now(),
    // Milliseconds since 1970: it outlives the page.
    set: (isPolling) => store.set(key, `${isPolling ? Date.now() + KEPT_MS : 0}`),
  }
}

/** The storage of the page, as far as it lets us. */
export const pageStore: TextStore = {
  get(key) {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value)
    } catch {
      // Full, or forbidden: the page goes without.
    }
  },
}
