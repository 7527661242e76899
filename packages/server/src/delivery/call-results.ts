import { type ErrorBody, isThenable, LIMITS } from '@roomcast/protocol'
import type { Soon, Store } from '../cluster/engine'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import { CallAccount, type CallCaller, type KeptResult, RunningCall } from './call-account'
import { isAnswer, NO_ANSWER } from './call-answer'
import { CallKeys } from './call-key'
import { CallStore } from './call-store'
import { CLIENT_SECRET_BYTES } from './client-secret'

/*
 * Calls that take effect once. PROTOCOL.md, "CALL".
 *
 *   unknown ──open()──► looked up in the store ──► running ──settle()──► kept ──limits, age──► dropped: id <= floor
 *                                   │                  └──forget()──► unknown
 *                                   └──► answered elsewhere
 */

/** What becomes of a call that has arrived. */
export type CallTurn =
  /** It came for the first time, and nobody has handled it. */
  | { readonly kind: 'begins'; readonly call: RunningCall }
  /** It runs; the caller gets the answer, if no newer connection asks. */
  | { readonly kind: 'waits' }
  /** It was answered, with this (call-answer.ts). */
  | { readonly kind: 'answered'; readonly caller: CallCaller; readonly answer: Uint8Array }
  | { readonly kind: 'refused'; readonly caller: CallCaller; readonly error: ErrorBody }

/** Bounds of {@link CallResults}. */
export interface CallLimits {
  /** Clients that are remembered, 500 bytes each. Beyond it the one that is longest idle is forgotten: what it repeats is handled again. */
  readonly clients: number
  /** Calls of one client that run at once. */
  readonly running: number
  /** Answers kept for one client. */
  readonly results: number
  readonly resultBytes: number
  /** Of all clients, with what it takes to keep an answer, or to wait for one. */
  readonly bytesOfAll: number
  /** How long an answer is kept, and waited for. */
  readonly ageMs: number
}

const CALL_LIMITS: CallLimits = {
  clients: LIMITS.callingClients,
  running: LIMITS.pendingAcks,
  results: LIMITS.resultsPerClient,
  resultBytes: LIMITS.resultBytesPerClient,
  bytesOfAll: LIMITS.resultBytesOfAll,
  ageMs: LIMITS.resultAgeMs,
}

/** What a kept answer takes besides its own bytes, here and in the store, and what a running call takes. Measured are 200 and 400 here. */
const ENTRY_BYTES = 512
/** A client is remembered longer than its answers: what it sends again at the very end may be on its way for a while. */
const CLIENT_AGES = 2
const SWEEP_MS = 1_000

const NO_CLIENT: ErrorBody = {
  code: 'INVALID_REQUEST',
  message: `a call that takes effect once needs "client" in CONNECT: a secret of ${CLIENT_SECRET_BYTES.least} to ${CLIENT_SECRET_BYTES.most} bytes`,
}
const NOT_KEPT: ErrorBody = {
  code: 'RESULT_NOT_KEPT',
  message: 'the call was handled when it came first, and its result is not kept any more',
}
const TOO_MANY: ErrorBody = { code: 'TOO_MANY_PENDING_ACKS', message: 'too many calls are waiting for an answer' }
const NOT_KNOWN: ErrorBody = {
  code: 'HANDLER_FAILED',
  message: 'the server could not find out whether the call was handled before; it was not handled now',
}

/** Which calls clients have made, and the answers: the former in this process, the latter in the engine's store. */
export class CallResults {
  private readonly accounts = new Map<string, CallAccount>()
  /** Those without running calls, the one that is longest unused first. */
  private readonly idle = new Map<string, CallAccount>()
  /** The oldest first. */
  private readonly running = new Set<RunningCall>()
  private readonly results = new Set<KeptResult>()
  private bytes = 0
  private readonly keys = new CallKeys()
  private readonly store: CallStore
  /** One for all: it ends what has become too old. */
  private readonly sweep: Deadline = { slot: null, dueAt: 0, expire: () => this.endOld() }

  /** @param onFault  Told when the store fails. */
  constructor(
    store: Store,
    private readonly wheel: TimingWheel,
    onFault: FaultHook,
    private readonly limits: CallLimits = CALL_LIMITS,
  ) {
    this.store = new CallStore(store, wheel, onFault)
  }

  /** Clients that are remembered. */
  get size(): number {
    return this.accounts.size
  }

  /**
   * A call has arrived. While the answer is a promise nothing else of the caller may be handled; it never rejects.
   *
   * @param namespace  Its name.
   * @param id         Ack id.
   */
  open(caller: CallCaller, namespace: string, id: number): Soon<CallTurn> {
    const key = this.keys.of(caller, namespace)
    if (key === null) return refused(caller, NO_CLIENT)
    const known = this.accounts.get(key)
    const running = known?.running.get(id)
    if (running !== undefined) {
      running.join(caller)
      return running.lookup === null ? WAITS : running.lookup.then(() => WAITS)
    }
    if (known !== undefined) {
      this.touch(known)
      const result = known.results.get(id)
      if (result !== undefined) return this.repeat(caller, result)
      if (id <= known.floor) return refused(caller, NOT_KEPT)
      if (known.running.size >= this.limits.running) return refused(caller, TOO_MANY)
    }
    const account = this.makeRoom(ENTRY_BYTES) ? (known ?? this.admit(key)) : null
    if (account === null) return refused(caller, TOO_MANY)
    return this.begin(account, id, caller)
  }

  /** A call has its answer (call-answer.ts), which is kept from now on. Of a call that was given up: nothing. */
  settle(call: RunningCall, answer: Uint8Array): void {
    if (!call.isOpen) return
    this.close(call)
    const { limits } = this
    const { account, id } = call
    const value = answer.length > limits.resultBytes ? NO_ANSWER : answer
    const result: KeptResult = { account, id, bytes: value.length, keptAt: this.wheel.now(), unsaved: null }
    for (const oldest of account.results.values()) {
      if (account.results.size < limits.results && account.resultBytes + result.bytes <= limits.resultBytes) break
      this.drop(oldest)
    }
    if (!this.makeRoom(ENTRY_BYTES + result.bytes)) {
      account.floor = Math.max(account.floor, id)
      return
    }
    account.results.set(id, result)
    account.resultBytes += result.bytes
    this.results.add(result)
    this.bytes += ENTRY_BYTES + result.bytes
    const saved = () => {
      result.unsaved = null
    }
    const isOver = this.store.write(storeKey(account, id), value, limits.ageMs, saved, () => this.forgetResult(result))
    if (!isOver) result.unsaved = value
  }

  /** A call that nobody has handled, nor will: it may come again. */
  forget(call: RunningCall): void {
    if (call.isOpen) this.close(call)
  }

  /** Forgets everything; what is in the store ends by itself. */
  clear(): void {
    for (const call of this.running) call.isOpen = false
    this.running.clear()
    this.results.clear()
    this.accounts.clear()
    this.idle.clear()
    this.bytes = 0
    this.wheel.cancel(this.sweep)
  }

  private begin(account: CallAccount, id: number, caller: CallCaller): Soon<CallTurn> {
    const call = new RunningCall(account, id, caller, this.wheel.now())
    account.running.set(id, call)
    this.idle.delete(account.key)
    this.running.add(call)
    this.bytes += ENTRY_BYTES
    if (this.sweep.slot === null) this.wheel.schedule(this.sweep, SWEEP_MS)
    const turn = this.store.read(
      storeKey(account, id),
      (answer): CallTurn => {
        call.lookup = null
        if (answer === null) return { kind: 'begins', call }
        this.forget(call)
        return answered(call.caller, answer)
      },
      () => {
        this.forget(call)
        return refused(call.caller, NOT_KNOWN)
      },
    )
    if (isThenable(turn)) call.lookup = turn
    return turn
  }

  private repeat(caller: CallCaller, result: KeptResult): Soon<CallTurn> {
    if (result.unsaved !== null) return answered(caller, result.unsaved)
    return this.store.read(
      storeKey(result.account, result.id),
      (answer): CallTurn => {
        if (answer !== null) return answered(caller, answer)
        // The store has bounds of its own.
        this.forgetResult(result)
        return refused(caller, NOT_KEPT)
      },
      () => refused(caller, NOT_KEPT),
    )
  }

  /** @returns null if there are too many clients, all of them with running calls. */
  private admit(key: string): CallAccount | null {
    if (this.accounts.size >= this.limits.clients) {
      const [oldest] = this.idle.values()
      if (oldest === undefined) return null
      for (const result of oldest.results.values()) this.drop(result)
      this.remove(oldest)
    }
    const account = new CallAccount(key)
    this.accounts.set(key, account)
    return account
  }

  private remove({ key }: CallAccount): void {
    this.accounts.delete(key)
    this.idle.delete(key)
  }

  private touch(account: CallAccount): void {
    account.usedAt = this.wheel.now()
    this.idle.delete(account.key)
    if (account.running.size === 0) this.idle.set(account.key, account)
  }

  private close(call: RunningCall): void {
    call.isOpen = false
    call.account.running.delete(call.id)
    this.running.delete(call)
    this.bytes -= ENTRY_BYTES
    this.touch(call.account)
  }

  /** Drops the oldest answers of all until so much fits. @returns Whether it does. */
  private makeRoom(bytes: number): boolean {
    for (const oldest of this.results) {
      if (this.bytes + bytes <= this.limits.bytesOfAll) break
      this.drop(oldest)
    }
    return this.bytes + bytes <= this.limits.bytesOfAll
  }

  /** Gives an answer up before its time. */
  private drop(result: KeptResult): void {
    this.forgetResult(result)
    this.store.drop(storeKey(result.account, result.id))
  }

  /** What is asked for it from now on is answered with `RESULT_NOT_KEPT`. */
  private forgetResult(result: KeptResult): void {
    if (!this.results.delete(result)) return
    const { account, id, bytes } = result
    account.results.delete(id)
    account.resultBytes -= bytes
    account.floor = Math.max(account.floor, id)
    this.bytes -= ENTRY_BYTES + bytes
  }

  private endOld(): void {
    const { ageMs } = this.limits
    const now = this.wheel.now()
    for (const call of this.running) {
      if (call.startedAt + ageMs > now) break
      call.account.floor = Math.max(call.account.floor, call.id)
      this.close(call)
    }
    for (const result of this.results) {
      if (result.keptAt + ageMs > now) break
      // The store ends it by itself.
      this.forgetResult(result)
    }
    for (const account of this.idle.values()) {
      if (account.usedAt + CLIENT_AGES * ageMs > now) break
      this.remove(account)
    }
    if (this.accounts.size > 0) this.wheel.schedule(this.sweep, SWEEP_MS)
  }
}

const WAITS: CallTurn = { kind: 'waits' }

function answered(caller: CallCaller, answer: Uint8Array): CallTurn {
  return isAnswer(answer) ? { kind: 'answered', caller, answer } : refused(caller, NOT_KEPT)
}

function refused(caller: CallCaller, error: ErrorBody): CallTurn {
  return { kind: 'refused', caller, error }
}

function storeKey({ key }: CallAccount, id: number): string {
  return `call ${key} ${id}`
}
