import type { Feature } from '../servers/serve'
import type { Session } from '../session'
import type { ModeName } from './mode-name'

/**
 * Connections before the first reading, where connections are what is measured: so many until the code that lets one in is compiled. With
 * fewer it is the compiler that is measured, its time and its memory.
 */
export const WARM_UP_CONNECTIONS = 4_000

/** What a run may vary. */
export interface ModeSettings {
  /** Length of a measured window, all of its turns together, and of the warm-up before it. */
  readonly windowMs: number
  readonly warmUpMs: number
  /** Connections that send calls. */
  readonly callers: number
  /** Members of the room that gets ticks. */
  readonly members: number
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

/** A way to load servers. */
export type Mode = AloneMode | TurnsMode

/** What all modes have. */
interface CommonMode {
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
}

/** A mode in which no other server is there while one is measured. */
export interface AloneMode extends CommonMode {
  /** Measures one fresh server. */
  measure(session: Session, settings: ModeSettings): Promise<Sample[]>
}

/**
 * A mode in which all servers of a round are there at once, and measured in turns, each for a moment: a machine that is
 * slower for a second is so for all of them.
 */
export interface TurnsMode extends CommonMode {
  /** One after the other, with the same servers. */
  stages(settings: ModeSettings): readonly Stage[]
}

/** What one turn of a server came to. Those of a round are added up, so that what happens seldom counts as often as it happens. */
export interface Turn {
  /** Metric by its id: microseconds of CPU for each of what is counted. */
  readonly metric: string
  readonly cpuUs: number
  readonly count: number
  /** More counts, for the results file. */
  readonly details: Readonly<Record<string, number>>
}

/** What is measured in turns. */
export interface Stage {
  /** Makes a server ready that is fresh, or has done the stages before: connections, and work until its code is compiled. */
  prepare(session: Session, settings: ModeSettings): Promise<void>
  /** One turn of one server. */
  measure(session: Session, settings: ModeSettings): Promise<Turn[]>
}
