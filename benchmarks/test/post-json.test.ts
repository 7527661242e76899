import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { postJson } from '../src/load/post-json'

const VALUE = { room: { roomId: 'a{b}c' }, list: ['}', 'ä'] }

/** @returns Port of a server that lasts as long as the test. */
async function serving(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('the body is sent as JSON', async () => {
  const port = await serving(async (request, response) => {
    const chunks = await request.toArray()
    const body = JSON.parse(Buffer.concat(chunks).toString())
    response.end(JSON.stringify({ method: request.method, url: request.url, body }))
  })
  expect(await postJson(port, '/seat', VALUE)).toEqual({ method: 'POST', url: '/seat', body: VALUE })
})

test('a response in chunks is read', async () => {
  const port = await serving((_, response) => {
    response.write(JSON.stringify(VALUE))
    response.end()
  })
  expect(await postJson(port, '/', {})).toEqual(VALUE)
})

test('another status than 200 is an error that names it', async () => {
  const port = await serving((_, response) => response.writeHead(503).end())
  await expect(postJson(port, '/', {})).rejects.toThrow('503')
})
