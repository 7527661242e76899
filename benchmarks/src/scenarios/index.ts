import { floodScenario } from './flood'
import { latestScenario } from './latest'
import { offeredScenario } from './offered'
import { pausedScenario } from './paused'
import { rateScenario } from './rate'
import type { Scenario } from './scenario'
import { stalledScenario } from './stalled'

/** Every scenario, in the order of the report. */
export const SCENARIOS: readonly Scenario[] = [
  pausedScenario,
  offeredScenario,
  latestScenario,
  rateScenario,
  floodScenario,
  stalledScenario,
]
