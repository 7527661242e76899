import { io } from '@roomcast/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runScenario, SCENARIOS } from '../../../test-kit/transport-suite'
import { type Capabilities, optionsFor, reasonToSkip, TRANSPORTS } from '../../../test-kit/transport-suite/environment'
import { SuiteServer } from '../../../test-kit/transport-suite/server'

const MORE_THAN_ONE = TRANSPORTS.length > 1 || 'there is one transport'
const CAPABILITIES: Capabilities = { cut: true, restart: true, 'mixed transports': MORE_THAN_ONE }

describe.each(TRANSPORTS)('over %s in Node.js', (transport) => {
  let server: SuiteServer

  beforeAll(async () => {
    server = await SuiteServer.start()
  })

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
  })

  for (const scenario of SCENARIOS) {
    const reason = reasonToSkip(scenario, CAPABILITIES)
    test.skipIf(reason !== false)(`${scenario.name}${reason ? ` (${reason})` : ''}`, async () => {
      const { url, control } = server
      const options = optionsFor(transport)
      await runScenario(scenario, { io, url, options, transport, capabilities: CAPABILITIES, control })
      expect(server.faults.splice(0)).toEqual([])
    })
  }
})
