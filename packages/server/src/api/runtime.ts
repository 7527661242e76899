import type { AnnouncedLimits, ValueCodec } from '@roomcast/protocol'
import type { CloseMemory } from '../connection/close-memory'
import type { TimingWheel } from '../connection/timing-wheel'
import type { TurnQueue } from '../egress/turn-queue'
import type { FaultHook } from '../observe/report'
import type { ResolvedPeopleOptions } from '../options/people-options'
import type { LoginGate } from '../people/login-gate'
import type { LoginGuard } from '../people/login-guard'
import type { HeldBudget } from './held-frames'

/** What the parts of one server share. */
export interface Runtime {
  readonly codec: ValueCodec
  readonly turn: TurnQueue
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** Ends of connections that their clients did not see. */
  readonly closeMemory: CloseMemory
  /** Milliseconds until a call without an answer fails, where the call names none. */
  readonly ackTimeoutMs: number
  /** What frames that wait for logins and connection handlers may take. */
  readonly heldBudget: HeldBudget
  /** Rules for users, and the login of namespaces that have none of their own. */
  readonly people: ResolvedPeopleOptions
  /** How many logins run at once. */
  readonly loginGate: LoginGate
  /** Who has been refused too often. */
  readonly loginGuard: LoginGuard
  /** What every client is told, and held to. */
  readonly announced: AnnouncedLimits
}
