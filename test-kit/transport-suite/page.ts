import { io } from '@roomcast/client'
import { optionsFor, type PortableEnvironment } from './environment'
import { runScenario, SCENARIOS } from './index'

/*
 * The suite inside a page. The test that opened it provides `suiteControl`, and calls `runSuiteScenario`.
 */

/** How the page reaches the test. */
export interface SuiteWindow {
  suiteControl(command: 'cut' | 'population' | 'restart'): Promise<number>
  /** Runs a scenario by its place in the list. Resolves with what went wrong, or null. */
  runSuiteScenario(index: number, environment: PortableEnvironment): Promise<string | null>
}

const page = window as unknown as SuiteWindow

page.runSuiteScenario = async (index, environment) => {
  const scenario = SCENARIOS[index]
  if (scenario === undefined) return `there is no scenario ${index}`
  const control = {
    cut: async () => void (await page.suiteControl('cut')),
    restart: async () => void (await page.suiteControl('restart')),
    population: () => page.suiteControl('population'),
  }
  try {
    await runScenario(scenario, { ...environment, io, options: optionsFor(environment.transport), control })
    return null
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${error.stack}` : String(error)
  }
}
