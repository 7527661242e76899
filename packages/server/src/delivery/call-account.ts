/** Who calls: a socket, as far as this goes. */
export interface CallCaller {
  /** `client` of CONNECT; null if there was none, or a malformed one. */
  readonly clientSecret: string | null
  readonly user: { readonly id: string } | null
  readonly connected: boolean
  /** `issued`: milliseconds since 1970. */
  readonly connection: { readonly issued: number }
}

/** A call that has no answer yet. */
export class RunningCall {
  /** While the store is asked whether somebody has answered it before; never rejects. */
  lookup: PromiseLike<unknown> | null = null
  /** Whether an answer will be kept. */
  isOpen = true

  constructor(
    readonly account: CallAccount,
    /** Ack id. */
    readonly id: number,
    /** Where the answer goes. */
    public caller: CallCaller,
    /** By the wheel's clock. */
    readonly startedAt: number,
  ) {}

  /** It was sent again. The newest connection gets the answer: what an older one is still read from is no sign that it lives. */
  join(caller: CallCaller): void {
    const isOlder = caller.connection.issued < this.caller.connection.issued
    if (!isOlder || !this.caller.connected) this.caller = caller
  }
}

/** An answer that is in the store. */
export interface KeptResult {
  readonly account: CallAccount
  readonly id: number
  readonly bytes: number
  /** By the wheel's clock. */
  readonly keptAt: number
  /** The answer, until the store has it. */
  unsaved: Uint8Array | null
}

/** The calls of one client, as one user, in one namespace. */
export class CallAccount {
  readonly running = new Map<number, RunningCall>()
  /** In the order in which they were answered. */
  readonly results = new Map<number, KeptResult>()
  /** Of all results. */
  resultBytes = 0
  /**
   * Highest id whose answer is not kept any more; -1 for none. First sendings come in ascending order: a call with an id up to it that is
   * neither running nor kept was answered.
   */
  floor = -1
  /** When it was last asked for something, by the wheel's clock. */
  usedAt = 0

  constructor(readonly key: string) {}
}
