import { randomUUID } from 'node:crypto'
import { until } from '../../../test-kit/wait'
import type { Engine, KeepLimits, LogPage, Position } from '../src/cluster/engine'

/** An engine that a test is given; not started. */
export interface EngineUnderTest {
  readonly engine: Engine
  /** Moves the clock by which things end. Without it tests wait in real time, for a few hundred milliseconds. */
  advance?(ms: number): Promise<void> | void
  /** Closes the engine, and what was started for it. */
  close(): Promise<void>
}

/** What the engine of a test is to be. */
export interface EngineChoice {
  readonly nodeId: string
}

export type MakeEngine = (choice: EngineChoice) => Promise<EngineUnderTest>

/** A second node of the same engine, or why there is none. */
export type MakePeer =
  | ((first: EngineUnderTest, choice: EngineChoice) => Promise<EngineUnderTest>)
  | { readonly none: string }

/** What a part of the suite gets. */
export interface Suite {
  readonly make: MakeEngine
  readonly makePeer: MakePeer
}

/** A frame as it came. */
export interface Seen {
  readonly channel: string
  readonly text: string
  readonly frame: Uint8Array
  readonly position: Position | null
}

/** Keeps everything that a test appends. */
export const KEEP: KeepLimits = { messages: 10_000, bytes: 10_000_000, ageMs: 600_000 }

/** Time that something is kept when a test waits for its end. */
export const SHORT_MS = 300

/** A started engine and what came of it. Names are different for each scene: others may use the same engine. */
export class Scene {
  readonly seen: Seen[] = []
  readonly nodeFrames: string[] = []
  /** Called with each frame, behind `seen`. */
  onFrame: (seen: Seen) => void = () => {}

  private constructor(
    readonly under: EngineUnderTest,
    private readonly prefix: string,
  ) {}

  static async open({ make }: Suite): Promise<Scene> {
    const prefix = randomUUID()
    return new Scene(await make({ nodeId: `${prefix}-a` }), prefix).start()
  }

  /** A second node, with the same names. */
  async peer({ makePeer }: Suite): Promise<Scene> {
    if ('none' in makePeer) throw new Error(makePeer.none)
    return new Scene(await makePeer(this.under, { nodeId: `${this.prefix}-b` }), this.prefix).start()
  }

  get engine(): Engine {
    return this.under.engine
  }

  /** A channel, room or key that is this scene's own. */
  name(name = 'one'): string {
    return `${this.prefix} ${name}`
  }

  /** Texts of the frames that came of a channel, in order. */
  texts(channel: string): string[] {
    return this.seen.filter((seen) => seen.channel === channel).map(({ text }) => text)
  }

  /** Waits until so many frames came of a channel. @returns Their texts: more, if there were more. */
  async received(channel: string, count: number): Promise<string[]> {
    await until(() => this.texts(channel).length >= count, `${count} frames`)
    return this.texts(channel)
  }

  /**
   * A frame has gone through the engine: what should not have come had the time to. An engine that keeps no order between
   * channels may pass a test that it should fail, but never the other way round.
   */
  async settled(): Promise<void> {
    const channel = this.name(`end ${randomUUID()}`)
    await this.engine.bus.subscribe([channel])
    await this.engine.bus.publish(channel, bytes('end'))
    await this.received(channel, 1)
    this.engine.bus.unsubscribe([channel])
  }

  async append(channel: string, text: string, keep = KEEP, key?: string): Promise<Position> {
    return (await this.engine.log.append(channel, bytes(text), keep, key)).position
  }

  /** Appends the numbers from 1 to `count`. @returns The position of the last. */
  async appendNumbers(channel: string, count: number, keep = KEEP): Promise<Position> {
    for (let i = 1; i < count; i++) await this.append(channel, String(i), keep)
    return this.append(channel, String(count), keep)
  }

  /** Lets time pass, if it can be moved, and then waits. */
  async afterTime(ms: number, condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    await this.under.advance?.(ms)
    await until(condition, what)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.under.close()
  }

  private async start(): Promise<this> {
    await this.engine.start({
      onFrame: (channel, view, position) => {
        // It is the engine's again after this.
        const frame = view.slice()
        const seen = { channel, text: text(frame), frame, position }
        this.seen.push(seen)
        this.onFrame(seen)
      },
      onNodeFrame: (frame) => this.nodeFrames.push(text(frame)),
      onGap: () => {},
      onState: () => {},
    })
    return this
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(frame: Uint8Array): string {
  return new TextDecoder().decode(frame)
}

/** Texts of a page, in order. */
export function textsOf({ items }: LogPage): string[] {
  return items.map(({ frame }) => text(frame))
}

/** The numbers from `first` to `last`, as texts. */
export function numbers(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String(first + i))
}
