import { floodScenario } from './flood'
import { latestScenario } from './latest'
import { offeredScenario } from './offered'
import { pausedLatencyScenario } from './paused-latency'
import { rateScenario } from './rate'
import type { Scenario } from './scenario'
import { stalledScenario } from './stalled'

/** Every scenario, in the order of the report. */
export const SCENARIOS: readonly Scenario[] = [
  pausedLatencyScenario,
  offeredScenario,
  latestScenario,
  rateScenario,
  floodScenario,
  stalledScenario,
]
