/** Where texts are kept: a Map, or the storage of a page. */
export interface TextStore {
  get(key: string): string | null | undefined
  set(key: string, value: string): unknown
}

const KEPT_MS = 3_600_000

/**
 * Remembers for an hour that polling won on the way to a server, so that the next page does not wait for a
 * WebSocket that does not get through.
 */
export class PollingMemory {
  readonly #store: TextStore
  readonly #key: string

  /** @param server  Origin and path of the server. */
  constructor(store: TextStore, server: string) {
    this.#store = store
    this.#key = `roomcast polling ${server}`
  }

  /** Whether to begin with polling. */
  get isSet(): boolean {
    return Number(this.#store.get(this.#key)) > Date.now()
  }

  set(isPolling: boolean): void {
    // Milliseconds since 1970: it outlives the page.
    this.#store.set(this.#key, `${isPolling ? Date.now() + KEPT_MS : 0}`)
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
