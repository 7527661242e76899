/** The events of the type tests: what both sides agree on. */

export interface Order {
  symbol: string
  count: number
}

export interface ClientToServer {
  hello: () => void
  say: (text: string, count: number) => void
  order: (order: Order, ack: (id: string) => void) => void
  save: (ack: () => void) => void
}

export interface ServerToClient {
  news: (text: string) => void
  state: (seats: Map<string, number>, raw: Uint8Array) => void
  confirm: (question: string, ack: (yes: boolean) => void) => void
}

export interface ServerToServer {
  reload: (reason: string) => void
  load: (ack: (percent: number) => void) => void
}

export interface SocketData {
  name: string
  level?: number
}

/** Compiles only if both types are the same, and neither is `any`. */
export function sameType<Left, Right>(..._proof: Same<Left, Right> extends true ? [] : [never]): void {}

type Same<Left, Right> = (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false
