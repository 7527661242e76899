/** What a client makes of an answer to its GET. */
export type PollReaction =
  /** It is in the room. Once. */
  | { readonly kind: 'joined' }
  /** The call was answered, with the bytes that were expected. */
  | { readonly kind: 'answered' }
  /** The server wants to hear something: a POST, behind what is on its way. */
  | { readonly kind: 'reply'; readonly request: string }
  | { readonly kind: 'unexpected' }

/** One client as its server knows it. Requests are text, one byte for each character. */
export interface PollingSession {
  /** The POST that connects the client; undefined if it is in the room as soon as it has a session. */
  greeting(): string | undefined
  /** The next GET. */
  poll(): string
  /** The POST of the next call, behind the answer to the last one. */
  call(): string
  /** Takes the body of an answered GET, to the byte where the protocol says what it is. */
  take(body: Buffer): readonly PollReaction[]
}

/** How a peer's clients speak over HTTP: the same application values (payloads.ts) in the peer's own encoding. */
export interface PollingDialect {
  /** How the server answers a POST that it has taken. */
  readonly taken: { readonly status: number; readonly body: string }
  /** The request for a session. */
  open(port: number): string
  /** The session that was given. @param body  Of the answer. @throws Error if that is none. */
  begin(port: number, body: Buffer): PollingSession
}

/** What most answers are. */
export const ANSWERED: readonly PollReaction[] = [{ kind: 'answered' }]
export const JOINED: readonly PollReaction[] = [{ kind: 'joined' }]
export const UNEXPECTED: readonly PollReaction[] = [{ kind: 'unexpected' }]
