import type { Pinning } from '../process/pinning'
import type { Scenario, ScenarioReport, ScenarioSettings } from './scenario'
import type { ScenarioName } from './scenario-name'

/** A report and where it belongs. */
export interface ScenarioResult extends ScenarioReport {
  readonly scenario: ScenarioName
  readonly settings: ScenarioSettings
}

/** Runs a scenario and prints its report. */
export async function runScenario(
  { scenario, settings }: { readonly scenario: Scenario; readonly settings: ScenarioSettings },
  pinning: Pinning,
  print: (line: string) => void,
): Promise<ScenarioResult> {
  print(`\n${scenario.name}: ${scenario.describe(settings)}\n`)
  const report = await scenario.run(settings, pinning)
  for (const line of report.lines) print(line)
  print('')
  for (const { claim, isKept } of report.verdicts) print(`${isKept ? 'kept      ' : 'NOT KEPT  '}${claim}`)
  return { scenario: scenario.name, settings, ...report }
}
