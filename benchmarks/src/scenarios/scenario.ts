import type { Pinning } from '../process/pinning'
import type { ScenarioName } from './scenario-name'

/** What a run may vary. */
export interface ScenarioSettings {
  /** Measured windows of each kind. */
  readonly rounds: number
  /** Length of a measured window, in milliseconds. */
  readonly windowMs: number
  /** Connections that the scenario is about; what they are is in its description. */
  readonly connections: number
}

/** A bound of a scenario, and whether it was kept. */
export interface Verdict {
  /** In words, with the figures. */
  readonly claim: string
  readonly isKept: boolean
}

/** What a scenario came to. */
export interface ScenarioReport {
  /** For the terminal. */
  readonly lines: readonly string[]
  readonly verdicts: readonly Verdict[]
  /** Figures behind the lines, for the results file. */
  readonly samples: unknown
}

/** Roomcast alone under a load that something is slow in, or hostile. Other than a mode it compares no peers, and has bounds that are kept or not. */
export interface Scenario {
  readonly name: ScenarioName
  readonly full: ScenarioSettings
  /** Small enough to see in a moment that it runs. */
  readonly quick: ScenarioSettings
  /** The load in words. */
  describe(settings: ScenarioSettings): string
  /** @throws Error if the run is incomplete: whatever else it shows is no result. */
  run(settings: ScenarioSettings, pinning: Pinning): Promise<ScenarioReport>
}
