import net from 'node:net'
import type { Traffic } from './traffic'

const TIMEOUT_MS = 10_000

/**
 * Posts JSON to a server on this machine, on a TCP connection of its own as each of many clients does.
 *
 * @param traffic  Counts the bytes of both.
 * @returns The value of the response's body.
 * @throws Error if the status is not 200, the body is no JSON object, or there is no response in time.
 */
export async function postJson(port: number, path: string, body: unknown, traffic?: Traffic): Promise<unknown> {
  const request = postRequest(port, path, JSON.stringify(body))
  const response = await exchange(port, request)
  if (traffic) {
    traffic.sentBytes += Buffer.byteLength(request)
    traffic.receivedBytes += Buffer.byteLength(response)
  }
  if (!response.startsWith('HTTP/1.1 200 ')) throw new Error(`POST answered with "${response.split('\r\n', 1)[0]}"`)
  // Whether its length is told or it comes as a chunk: nothing around the object has braces.
  return JSON.parse(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1))
}

function postRequest(port: number, path: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nAccept: application/json\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let response = ''
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    socket.setEncoding('utf8')
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no response to a POST')))
    socket.on('data', (text) => {
      response += text
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(response))
    socket.write(request)
  })
}
