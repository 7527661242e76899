import type { CloseVerdict } from '@roomcast/protocol'
import type { ResolvedOptions, TransportName } from '../options'
import type { BackoffOptions } from './backoff'

/* What the machine of machine.ts knows, hears and asks for. */

/** What the options say. */
export type Policy = BackoffOptions &
  Pick<ResolvedOptions, 'reconnection' | 'reconnectionAttempts' | 'timeout' | 'transports' | 'upgrade'>

/** How a link ended, or why it did not open. */
export interface LinkEnd {
  readonly code: number
  readonly message: string
  /** How long the server wants the client to stay away. */
  readonly retryAfterMs?: number | undefined
}

/** What outlives a link. */
export interface Past {
  /** Attempts since a namespace was answered. */
  readonly failures: number
  /** Links in a row that did not last. */
  readonly flaps: number
  /** Links in a row that ended because one side could not read the other. */
  readonly violations: number
  /** WebSockets in a row that died young. */
  readonly badWebSockets: number
}

/** All times are of the clock in {@link Env}. */
export type State =
  | { readonly name: 'idle' }
  | {
      readonly name: 'opening'
      readonly past: Past
      readonly links: readonly TransportName[]
      /** Tried at `nextAt`, or when those before have failed. */
      readonly rest: readonly TransportName[]
      readonly nextAt: number
      readonly failAt: number
    }
  | {
      readonly name: 'open'
      readonly past: Past
      readonly transport: TransportName
      readonly openedAt: number
      /** When a namespace was answered for the first time; 0 before. */
      readonly answeredAt: number
      /** When to look for signs of life. */
      readonly beatAt: number
      /** When a sign was asked for; 0 if none is outstanding. */
      readonly pingedAt: number
      /** Times that the clock was late when we came to judge. */
      readonly lateness: number
      /** The WebSocket that is to take over. */
      readonly rival: 'moving' | 'none' | 'opening' | 'proving'
      readonly rivalTries: number
      /** When to open one, or until when the one there is has time. */
      readonly rivalAt: number
    }
  | {
      readonly name: 'waiting'
      readonly past: Past
      readonly retryAt: number
      /** The server wants no attempt earlier than this. */
      readonly notBefore: number
    }

export type Opening = State & { name: 'opening' }
export type Open = State & { name: 'open' }

/** When the state wants a tick; Infinity for never. */
export function deadlineOf(state: State): number {
  switch (state.name) {
    case 'idle':
      return Number.POSITIVE_INFINITY
    case 'opening':
      return Math.min(state.nextAt, state.failAt)
    case 'open':
      return Math.min(state.beatAt, state.rivalAt)
    case 'waiting':
      return state.retryAt
  }
}

export type Event =
  /** Somebody wants to be connected; nobody does any more. */
  | { readonly type: 'want' }
  | { readonly type: 'leave' }
  /** A time has come. */
  | { readonly type: 'tick' }
  /** The network is back, the page is visible again, the clock has jumped. */
  | { readonly type: 'wake' }
  | { readonly type: 'opened'; readonly transport: TransportName }
  | { readonly type: 'ended'; readonly transport: TransportName; readonly end: LinkEnd }
  /** The rival has let something through. */
  | { readonly type: 'proven' }
  /** The server has moved the connection to the rival. */
  | { readonly type: 'moved' }
  /** A namespace was connected, or refused. */
  | { readonly type: 'answered' }
  /** We end the link. */
  | { readonly type: 'cut'; readonly end: LinkEnd }

export type Effect =
  | { readonly do: 'open'; readonly transport: TransportName }
  | { readonly do: 'close'; readonly transport: TransportName; readonly end: LinkEnd }
  | { readonly do: 'ping' }
  /** See whether the rival lets anything through. */
  | { readonly do: 'prove' }
  /** Stop polling and ask to move; polling goes on; everything goes to the rival now. */
  | { readonly do: 'adopt' | 'move' | 'stay' }
  /** Whether the next connection to this server begins with polling. */
  | { readonly do: 'remember'; readonly polling: boolean }
  | Told

/** What concerns the world outside. */
export type Told =
  /** A link is open. */
  | { readonly do: 'tell opened' }
  /** Another attempt begins. */
  | { readonly do: 'tell attempt'; readonly attempt: number }
  | Loss

/** The link that was open is lost, or an attempt to open one has failed. */
export interface Loss {
  readonly do: 'tell failed' | 'tell lost'
  readonly end: LinkEnd
  readonly verdict: CloseVerdict
  /** Nothing follows. */
  readonly isFinal: boolean
  /** Nothing follows because `reconnectionAttempts` is used up. */
  readonly isExhausted: boolean
}

/** What a step depends on besides state and event. */
export interface Env {
  readonly policy: Policy
  /** Milliseconds of a clock that does not jump; never 0. */
  readonly now: number
  /** From 0 to 1. */
  readonly random: number
  /** When the last byte came. */
  readonly heardAt: number
  /** Silence until we ask, and what the server has then. */
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  /** Whether WebSocket did not get through lately. */
  readonly prefersPolling: boolean
}

export type Step = readonly [State, readonly Effect[]]
