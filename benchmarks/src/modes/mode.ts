import type { Feature } from '../servers/serve'
import type { Session } from '../session'
import type { ModeName } from './mode-name'

/** What a run may vary. */
export interface ModeSettings {
  /** Length of a measured window and of the warm-up before it. */
  readonly windowMs: number
  readonly warmUpMs: number
  /** Connections that send calls. */
  readonly callers: number
  /** Members of the room that gets ticks. */
  readonly members: number
  /**
   * Connections before the first reading, where connections are what is measured: so many until the code that lets one in is compiled.
   * With fewer it is the compiler that is measured, its time and its memory.
   */
  readonly warmUpConnections: number
  /** Connections that come, where coming is what is measured. */
  readonly comers: number
  /** Members of rooms of several sizes; ascending. */
  readonly roomSizes: readonly number[]
  /** Members of the room that gets messages of several sizes. */
  readonly payloadMembers: number
  /** Connections that do nothing, at each reading; ascending. */
  readonly idle: readonly number[]
}

/** One table of the report. */
export interface Metric {
  readonly id: string
  readonly title: string
  readonly unit: string
  /** Largest ratios to raw uWebSockets.js that peers are meant to have, by the name of the peer. */
  readonly bounds: Readonly<Record<string, number>>
}

/** What one peer came to in one round. */
export interface Sample {
  /** Metric by its id. */
  readonly metric: string
  /** In the metric's unit; less is better. */
  readonly value: number
  /** Counts behind the value, for the results file. */
  readonly details: Readonly<Record<string, number>>
  /** What one must know to read it; absent if there is nothing. */
  readonly remark?: string
}

/** A way to load a server. */
export interface Mode {
  readonly name: ModeName
  /** A headline for its tables. */
  readonly title: string
  /** Rounds are few where a round is long. */
  readonly roundsFactor: number
  /** Flags of Node for every server. */
  readonly serverFlags: readonly string[]
  /** What the servers do only for this mode. @default [] */
  readonly features?: readonly Feature[]
  /** The load in words. */
  describe(settings: ModeSettings): string
  /** Its tables, in the order of the report; ids are unique among all modes. */
  metrics(settings: ModeSettings): readonly Metric[]
  /** Measures one fresh server. */
  measure(session: Session, settings: ModeSettings): Promise<Sample[]>
}
