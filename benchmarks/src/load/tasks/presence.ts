import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DialectName } from '../dialects'
import { PRESENCE_DIALECTS } from '../dialects/presence'
import { FailureLatch } from '../failure-latch'
import { PresenceClient, PresenceReader } from '../presence-client'

/** Time in which everybody has to have seen who came, or who went. */
const SEEN_TIMEOUT_MS = 30_000
/** Time given to messages that should not come. */
const SURPLUS_MS = 20
const VISITOR = 'visitor-'

/** Members who see who is in the room. */
export interface WatchersOptions {
  readonly port: number
  readonly dialect: DialectName
  readonly count: number
}

/** Others, who come and go. */
export interface StormOptions {
  readonly visitors: number
  /** No cycle begins later. */
  readonly windowMs: number
}

/** What one window of coming and going came to. */
export interface StormResult {
  /** Times that all have come, and gone. */
  readonly cycles: number
  /** Changes that watchers have seen, added up: one for each name that came, and one for each that went. */
  readonly seen: number
  /** Messages that told of them, and the bytes of their frames. */
  readonly messages: number
  readonly bytes: number
  readonly elapsedMs: number
}

interface Watcher {
  readonly client: PresenceClient
  /** Visitors whom the client sees. */
  readonly visitors: Set<string>
}

/** The members of a load process who see who is in the room, and the visitors whom they see. */
export class PresenceCrowd {
  private readonly watchers: Watcher[] = []
  private readonly latch = new FailureLatch()
  private reader: PresenceReader | undefined
  private port = 0
  /** What everybody is about to see. */
  private expected: 'coming' | 'going' | 'nothing' = 'nothing'
  /** Changes that watchers have still to see. */
  private missing = 0
  private onSeen = () => {}
  private messages = 0
  private bytes = 0

  /** @param timeoutMs  How long a change may take until everybody has seen it. */
  constructor(private readonly timeoutMs = SEEN_TIMEOUT_MS) {}

  /** Opens members, waits until all are in the room, and then until all see who is there. */
  async watch({ port, dialect: name, count }: WatchersOptions): Promise<void> {
    const dialect = PRESENCE_DIALECTS[name]
    if (dialect === undefined) throw new Error(`nothing is known of how clients of "${name}" see each other`)
    const reader = new PresenceReader(dialect)
    this.reader = reader
    this.port = port
    let watching = 0
    let onWatching = () => {}
    await this.latch.openAll(count, (number, joined) => {
      const visitors = new Set<string>()
      const client = new PresenceClient(port, reader, `member-${number}`, true, {
        joined,
        watching: (names) => {
          const listed = new Set(names ?? []).size
          if (names !== undefined && listed !== count) this.fail(`a list of ${listed} names, not ${count}`)
          if (++watching === count) onWatching()
        },
        changed: ({ came, gone }, bytes) => {
          this.messages++
          this.bytes += bytes
          for (const one of came) this.onChange(visitors, one, 'coming')
          for (const one of gone) this.onChange(visitors, one, 'going')
        },
        left: () => {},
        failed: (reason) => this.fail(`a watcher failed: ${reason}`),
      })
      this.watchers.push({ client, visitors })
    })
    await this.latch.untilSettled((resolve) => {
      onWatching = resolve
      for (const { client } of this.watchers) client.watch()
    })
  }

  /**
   * All visitors come at once, and when everybody has seen all of them all leave at once, until everybody has seen that;
   * again and again for a while. Every watcher has to see every one of them come once and go once.
   */
  async storm({ visitors: count, windowMs }: StormOptions): Promise<StormResult> {
    const names = Array.from({ length: count }, (_, i) => `${VISITOR}${i}`)
    this.messages = 0
    this.bytes = 0
    let cycles = 0
    const start = performance.now()
    do {
      await this.cycle(names)
      cycles++
    } while (performance.now() - start < windowMs)
    const elapsedMs = performance.now() - start
    await sleep(SURPLUS_MS)
    this.latch.assertWhole()
    const seen = 2 * cycles * count * this.watchers.length
    return { cycles, seen, messages: this.messages, bytes: this.bytes, elapsedMs }
  }

  private async cycle(names: readonly string[]): Promise<void> {
    const { reader, port } = this
    if (reader === undefined) throw new Error('nobody watches')
    // The messages of a cycle may be those of the one before, or not: versions and times are in some.
    reader.forget()
    const visitors: PresenceClient[] = []
    let left = 0
    let onLeft = () => {}
    await this.untilSeen('coming', names.length, (done) => {
      let joined = 0
      for (const name of names) {
        const visitor = new PresenceClient(port, reader, name, false, {
          joined: () => {
            if (++joined === names.length) done()
          },
          watching: () => {},
          changed: () => this.fail('a visitor was told who comes and goes'),
          left: () => {
            if (++left === names.length) onLeft()
          },
          failed: (reason) => this.fail(`a visitor failed: ${reason}`),
        })
        visitors.push(visitor)
      }
    })
    await this.untilSeen('going', names.length, (done) => {
      onLeft = done
      for (const visitor of visitors) visitor.leave()
    })
  }

  /** Waits until `act` is done, and every watcher has seen as many come, or go. */
  private async untilSeen(kind: 'coming' | 'going', count: number, act: (done: () => void) => void): Promise<void> {
    this.expected = kind
    this.missing = count * this.watchers.length
    let isDone = false
    let timer: NodeJS.Timeout | undefined
    await this.latch.untilSettled((resolve) => {
      timer = setTimeout(() => {
        const behind = `${this.missing} of ${count * this.watchers.length} changes were not seen by ${this.watchers.length} watchers`
        this.fail(`${kind}: ${this.missing > 0 ? behind : 'not every visitor is done'}`)
      }, this.timeoutMs)
      const settle = () => {
        if (isDone && this.missing === 0) resolve()
      }
      this.onSeen = settle
      act(() => {
        isDone = true
        settle()
      })
    })
    clearTimeout(timer)
    this.expected = 'nothing'
  }

  private onChange(visitors: Set<string>, name: string, kind: 'coming' | 'going'): void {
    // Members come only once, and may be told of while the last of them still ask who is there.
    if (!name.startsWith(VISITOR)) return
    const isNew = kind === 'coming' ? !visitors.has(name) : visitors.has(name)
    if (kind !== this.expected || !isNew) return this.fail(`a watcher saw ${name} ${kind}, and should not`)
    if (kind === 'coming') visitors.add(name)
    else visitors.delete(name)
    if (--this.missing === 0) this.onSeen()
  }

  private fail(reason: string): void {
    this.latch.fail(reason)
  }
}
