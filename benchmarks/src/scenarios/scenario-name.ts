/** Every scenario by its name, in the order of the report. */
export const SCENARIO_NAMES = ['paused-latency', 'offered', 'latest', 'rate', 'flood', 'stalled'] as const

/** Name of a scenario. */
export type ScenarioName = (typeof SCENARIO_NAMES)[number]
