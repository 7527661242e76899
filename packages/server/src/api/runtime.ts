import type { AnnouncedLimits, ValueCodec } from '@roomcast/protocol'
import type { Engine } from '../cluster/engine'
import type { CloseMemory } from '../connection/close-memory'
import type { TimingWheel } from '../connection/timing-wheel'
import type { CallResults } from '../delivery/call-results'
import type { EmitOrder } from '../delivery/order'
import type { Sessions } from '../delivery/sessions'
import type { Streams } from '../delivery/streams'
import type { FlowControl } from '../egress/flow-control'
import type { TurnQueue } from '../egress/turn-queue'
import type { FaultHook } from '../observe/report'
import type { FlowLimits } from '../options/flow-limits'
import type { HandlerLimits, ResolvedRateLimits } from '../options/inbound-options'
import type { ResolvedPeopleOptions } from '../options/people-options'
import type { ResolvedRecovery } from '../options/room-options'
import type { LoginGate } from '../people/login-gate'
import type { LoginGuard } from '../people/login-guard'
import type { HeldBudget } from './held-frames'

/** What the parts of one server share. */
export interface Runtime {
  readonly codec: ValueCodec
  readonly turn: TurnQueue
  /** Sees that clients take what rooms are sent. */
  readonly flow: FlowControl
  /** How much of what a client is sent may be outstanding. */
  readonly flowLimits: FlowLimits
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** Ends of connections that their clients did not see. */
  readonly closeMemory: CloseMemory
  /** Calls that take effect once. */
  readonly callResults: CallResults
  /** Milliseconds until a call without an answer fails, where the call names none. */
  readonly ackTimeoutMs: number
  /** How the handlers of one socket run. */
  readonly handlers: HandlerLimits
  /** How fast clients may send; null takes everything. */
  readonly rateLimits: ResolvedRateLimits | null
  /** What frames that wait for logins and handlers may take. */
  readonly heldBudget: HeldBudget
  /** Rules for users, and the login of namespaces that have none of their own. */
  readonly people: ResolvedPeopleOptions
  /** How many logins run at once. */
  readonly loginGate: LoginGate
  /** Who has been refused too often. */
  readonly loginGuard: LoginGuard
  /** What several processes share. */
  readonly engine: Engine
  /** Logs of rooms that are followed. */
  readonly streams: Streams
  /** null: a session ends with its link. */
  readonly sessions: Sessions | null
  /** Rules for sessions; null if none are kept. */
  readonly recovery: ResolvedRecovery | null
  readonly order: EmitOrder
  /** Milliseconds that something may be on its way until the link is found to be lost. */
  readonly doubtMs: number
  /** Bytes that are sent again at once to one socket. */
  readonly resendBytes: number
  /** Whether this server ends TLS. */
  readonly isSecure: boolean
  /** What every client is told, and held to. */
  readonly announced: AnnouncedLimits
}
