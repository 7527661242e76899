import type { Gap } from '@roomcast/client'
import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { type FakeLink, FakeServer } from '../../../test-kit/fake-server'
import { createRandom, type Random } from '../../../test-kit/random'
import type { RawFrame } from '../../../test-kit/raw-client'
import { until } from '../../../test-kit/wait'
import { session, welcome } from './rooms-support'
import { connect } from './support'

const ROUNDS = 6
const STEPS = 400
/** Positions of two streams are never the same: a gap without a name can be told by its positions. */
const APART = 1_000_000

/** A stream as the server has it. */
class Source {
  readonly start: number
  /** Whether there is a message at start + 1, start + 2, ...: or nothing for this client. */
  readonly log: boolean[] = []
  /** What is before is gone. */
  first: number

  constructor(readonly number: number) {
    this.start = number * APART
    this.first = this.start + 1
  }

  get top(): number {
    return this.start + this.log.length
  }

  isMessage(seq: number): boolean {
    return this.log[seq - this.start - 1] === true
  }
}

/** A server that loses and repeats what it sends, and forgets; with one client. */
class LossyServer {
  readonly sources = [0, 12, 13, 14].map((number) => new Source(number))
  link: FakeLink | null = null
  loss = 0.1
  secrets = 0
  resumes = 0

  constructor(private readonly random: Random) {}

  answer(link: FakeLink, asked: RawFrame): void {
    this.link = link
    type Resume = { own: number; rooms: [number, number][] }
    const { resume } = asked.body as { resume?: Resume }
    const own = this.sources[0] as Source
    const named = resume?.rooms ?? []
    const entries = named.map(([number, position]) => [number, position, position + 1 >= this.find(number).first])
    const others = this.sources.filter(({ number }) => number > 12 && !named.some(([known]) => known === number))
    if (resume) this.resumes++
    const given = { resumed: resume !== undefined, recovered: true, own: resume ? resume.own : own.start }
    welcome(link, asked, {
      sid: 'one',
      pingIntervalMs: 20,
      session: session(`s${++this.secrets}`, given),
      rooms: [...entries, ...others.map(({ number, start }) => [number, start, true])],
    })
    if (!resume) return
    this.replay(own, resume.own)
    for (const [number, position] of named) this.replay(this.find(number), position)
    for (const source of others) this.replay(source, source.start)
  }

  onFrame(link: FakeLink, frame: RawFrame): void {
    if (link !== this.link) return
    if (frame.type === 'PING') return link.send({ type: MESSAGE_TYPES.PONG }, null)
    const [name, ...args] = frame.body as [string, ...unknown[]]
    if (name === 'join') {
      const { number, top } = this.find(12)
      return link.ack(frame, { room: number, epoch: 'e', seq: top, recovered: false })
    }
    if (name !== 'sync') return
    const [entries, isAll] = args as [[number, number | null, number?][], boolean]
    for (const [number, position, upTo] of entries) {
      const source = this.find(number)
      if (position === null) this.send({ type: MESSAGE_TYPES.NOTICE }, ['joined', number, source.start])
      this.replay(source, position ?? source.start, upTo)
    }
    const others = this.sources.filter(({ number }) => number !== 12 && !entries.some(([known]) => known === number))
    for (const source of isAll ? others : []) {
      this.send({ type: MESSAGE_TYPES.NOTICE }, ['joined', source.number, source.start])
      this.replay(source, source.start)
    }
    if (!this.random.chance(this.loss)) link.ack(frame)
  }

  /** One message, or a position that holds nothing. */
  publish(): void {
    const source = this.random.pick(this.sources)
    source.log.push(this.random.chance(0.85))
    if (this.random.chance(0.1)) this.sendOne(source, source.top)
    this.sendOne(source, source.top)
  }

  /** Forgets some of what is old. */
  trim(): void {
    const source = this.random.pick(this.sources)
    source.first = Math.max(source.first, source.top + 1 - this.random.below(6))
  }

  find(number: number): Source {
    return this.sources.find((source) => source.number === number) as Source
  }

  private replay(source: Source, position: number, upTo = source.top): void {
    if (position + 1 < source.first) {
      const gone = Math.min(source.first - 1, Math.max(upTo, position))
      this.send({ type: MESSAGE_TYPES.NOTICE }, ['lost', source.number, gone])
    }
    for (let seq = Math.max(position + 1, source.first); seq <= upTo; seq++) this.sendOne(source, seq)
  }

  private sendOne(source: Source, seq: number): void {
    const { number } = source
    if (source.isMessage(seq)) this.send({ type: MESSAGE_TYPES.EVENT, event: 'm', room: number, seq }, [seq])
    else this.send({ type: MESSAGE_TYPES.NOTICE }, ['skip', number, seq, seq])
  }

  private send(fields: Parameters<FakeLink['send']>[0], body: unknown): void {
    if (this.random.chance(this.loss) || this.link?.closed) return
    this.link?.send(fields, body)
  }
}

/** What one stream has told: checked as it comes. */
class Account {
  readonly faults: string[] = []
  private readonly done = new Set<number>()
  private last: number

  constructor(private readonly source: Source) {
    this.last = source.start
  }

  deliver(seq: number): void {
    if (seq <= this.last) this.faults.push(`${seq} came behind ${this.last}`)
    this.note(seq, 'delivered')
    this.last = Math.max(this.last, seq)
    this.expectDone(seq - 1, `before ${seq}`)
  }

  gap({ from, to, repaired }: Gap): void {
    if (repaired) this.expectDone(to, 'in a gap that was repaired')
    // A stream of which the beginning was never heard of is told of from 1 on.
    else for (let seq = Math.max(from, this.source.start + 1); seq <= to; seq++) this.note(seq, 'lost')
  }

  get isComplete(): boolean {
    return this.missing(this.source.top) === undefined
  }

  private note(seq: number, how: string): void {
    if (this.done.has(seq)) this.faults.push(`${seq} was ${how}, and told of before`)
    this.done.add(seq)
  }

  private expectDone(to: number, where: string): void {
    const missing = this.missing(to)
    if (missing !== undefined) this.faults.push(`${missing} is missing ${where}`)
  }

  private missing(to: number): number | undefined {
    for (let seq = this.source.start + 1; seq <= to; seq++) {
      if (this.source.isMessage(seq) && !this.done.has(seq)) return seq
    }
    return undefined
  }
}

test(`whatever a server loses, repeats and forgets, ${ROUNDS} times: each message comes once and in order, or is told of`, async () => {
  const random = createRandom()
  const hint = `SEED=${random.seed}`
  let repaired = 0
  let lost = 0
  let resumes = 0
  for (let round = 0; round < ROUNDS; round++) {
    const lossy = new LossyServer(random)
    await using server = await FakeServer.start({
      answer: (link, frame) => lossy.answer(link, frame),
      onFrame: (link, frame) => lossy.onFrame(link, frame),
    })
    using client = connect(server.url, { ackTimeout: 100, reconnectionDelay: 1, reconnectionDelayMax: 2 })
    const accounts = new Map(lossy.sources.map((source) => [source.number, new Account(source)]))
    const accountOf = (seq: number) => accounts.get(Math.floor((seq - 1) / APART)) as Account
    client.on('m', (seq: number) => accountOf(seq).deliver(seq))
    client.on('gap', (gap: Gap) => {
      accountOf(gap.to).gap(gap)
      if (gap.repaired) repaired++
      else lost++
      expect(gap.room, hint).toBe(Math.floor((gap.to - 1) / APART) === 12 ? 'book' : null)
    })
    const room = await client.join('book', null, { timeout: 10_000 })
    for (let step = 0; step < STEPS; step++) {
      lossy.publish()
      if (random.chance(0.1)) lossy.trim()
      if (random.chance(0.01)) lossy.link?.close(CLOSE_CODES.ABNORMAL)
      if (random.chance(0.1)) await new Promise((resolve) => setTimeout(resolve, random.below(8)))
    }
    lossy.loss = 0
    const all = [...accounts.values()]
    // The first account that has a fault says it.
    const faults = () => all.flatMap((account) => account.faults)
    await until(() => faults().length > 0 || all.every(({ isComplete }) => isComplete), `every stream to end, ${hint}`)
    expect(faults(), hint).toEqual([])
    expect(room.isJoined, hint).toBe(true)
    resumes += lossy.resumes
  }
  // The script has done something.
  expect(resumes, hint).toBeGreaterThan(2)
  expect(repaired, hint).toBeGreaterThan(10)
  expect(lost, hint).toBeGreaterThan(10)
}, 60_000)
