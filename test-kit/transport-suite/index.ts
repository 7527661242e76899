import { until } from '../wait'
import { type Environment, type Scenario, Scope } from './environment'
import { ACKS } from './scenarios/acks'
import { CONNECTING } from './scenarios/connecting'
import { ENDS } from './scenarios/ends'
import { LIMITS_SCENARIOS } from './scenarios/limits'
import { NAMESPACES_SCENARIOS } from './scenarios/namespaces'
import { ORDER } from './scenarios/order'
import { PEOPLE_SCENARIOS } from './scenarios/people'
import { ROOMS } from './scenarios/rooms'
import { SESSIONS } from './scenarios/sessions'
import { VALUES_SCENARIOS } from './scenarios/values'

/*
 * What every transport does, in Node.js and in pages. The files of this folder import no test framework and nothing
 * of Node.js, the servers and `bundle.ts` aside, and use only what the client publishes. To add a scenario, put it
 * into the list that fits; if it does not work everywhere, give it a capability that it needs.
 */

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  ...CONNECTING,
  ...ORDER,
  ...ACKS,
  ...VALUES_SCENARIOS,
  ...LIMITS_SCENARIOS,
  ...NAMESPACES_SCENARIOS,
  ...PEOPLE_SCENARIOS,
  ...ROOMS,
  ...SESSIONS,
  ...ENDS,
]

/** Runs a scenario, closes its sockets, and waits until the server has forgotten them. Throws when it fails. */
export async function runScenario({ run }: Scenario, environment: Environment): Promise<void> {
  const scope = new Scope(environment)
  try {
    await run(scope)
  } finally {
    scope.close()
  }
  const isEmpty = async () => (await environment.control.population()) === 0
  await until(isEmpty, 'the server to have no connections left')
}
