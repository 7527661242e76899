import * as engine from 'uws-pack'
import { expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'

test('a publish that throws does not silence the server', async () => {
  let failures = 1
  const uws = {
    ...engine,
    App: () => {
      const app = engine.App()
      const publish = app.publish.bind(app)
      app.publish = (...args: Parameters<typeof publish>) => {
        if (failures-- > 0) throw new Error('the engine failed')
        return publish(...args)
      }
      return app
    },
  }
  await using server = await startServer(() => {}, { uws })
  using client = await RawClient.connect(server.port)
  expect(() => server.io.emit('m', 1)).toThrow('the engine failed')
  server.io.emit('m', 2)
  expect((await client.frame('EVENT')).body).toEqual([2])
})
