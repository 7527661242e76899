import { connect } from 'node:net'
import { isRoomcastError, LIMITS, POLL_CONTENT_TYPE } from '@roomcast/protocol'
import { Server, type ServerOptions, type Socket, type UpgradeRequest } from '@roomcast/server'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { HEAD, rawRequest, request, UPGRADE_HEADERS } from '../../../test-kit/http'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { runs } from '../../protocol/test/support'
import { readAddress, resolveTrustedProxies } from '../src/options/proxy-options'
import { clientAddress } from '../src/transport/client-address'

const PEER = '127.0.0.1'

/** Connects with these headers, and tells what `handshake.address` is. */
const TRANSPORTS = {
  websocket: async (server: TestServer, headers: Record<string, string>) => {
    using _client = await RawClient.connect(server.port, '/', undefined, { headers })
    return addressOfOnly(server)
  },
  polling: async (server: TestServer, headers: Record<string, string>) => {
    using _client = await RawPoller.connect(server.port, '/', undefined, { headers })
    return addressOfOnly(server)
  },
}

async function addressOfOnly({ io }: TestServer): Promise<string> {
  const socket = await until(() => [...io.sockets.sockets.values()].at(-1) as Socket | undefined)
  const { address } = (socket as Socket).handshake
  expect(socket?.conn.remoteAddress).toBe(address)
  io.disconnectSockets(true)
  await until(() => io.sockets.sockets.size === 0)
  return address
}

const forwarded = (value: string) => ({ 'x-forwarded-for': value })

describe.each(Object.entries(TRANSPORTS))('handshake.address over %s', (_transport, addressFrom) => {
  test('is the peer without the option, whatever headers say', async () => {
    await using server = await startServer()
    const forged = { ...forwarded('198.51.100.7'), forwarded: 'for=198.51.100.7', 'x-real-ip': '198.51.100.7' }
    expect(await addressFrom(server, forged)).toBe(PEER)
  })

  test('is the peer if that is not trusted, whatever headers say', async () => {
    await using server = await startServer(() => {}, { trustedProxies: ['192.0.2.1', '10.0.0.0/8', '::1'] })
    expect(await addressFrom(server, forwarded('198.51.100.7'))).toBe(PEER)
    expect(await addressFrom(server, forwarded('192.0.2.1'))).toBe(PEER)
  })

  test('is what a trusted peer tells', async () => {
    await using server = await startServer(() => {}, { trustedProxies: [PEER, '10.0.0.0/8', '2001:db8:ffff::/48'] })
    for (const [header, address] of [
      ['198.51.100.7', '198.51.100.7'],
      // The client wrote the first.
      ['203.0.113.9, 198.51.100.7', '198.51.100.7'],
      ['203.0.113.9, 198.51.100.7, 10.1.2.3', '198.51.100.7'],
      ['203.0.113.9,198.51.100.7,10.1.2.3,127.0.0.1', '198.51.100.7'],
      ['198.51.100.7:51234', '198.51.100.7'],
      ['2001:db8::1', '2001:0db8:0000:0000:0000:0000:0000:0001'],
      ['[2001:DB8::1]:443, 10.0.0.1', '2001:0db8:0000:0000:0000:0000:0000:0001'],
      ['2001:db8::1, 2001:db8:ffff::5', '2001:0db8:0000:0000:0000:0000:0000:0001'],
      ['::ffff:198.51.100.7', '198.51.100.7'],
      ['198.51.100.7, ::ffff:10.0.0.1', '198.51.100.7'],
      // Only proxies: the first of them is the client.
      ['10.9.9.9, 10.0.0.1', '10.9.9.9'],
      ['127.0.0.1', PEER],
      // Malformed: whoever came after it is the best there is.
      ['unknown', PEER],
      ['198.51.100.7, unknown, 10.0.0.1', '10.0.0.1'],
      ['198.51.100.7, , 10.0.0.1', '10.0.0.1'],
      ['', PEER],
      [',', PEER],
    ] as const) {
      expect(await addressFrom(server, forwarded(header)), header).toBe(address)
    }
    expect(await addressFrom(server, {}), 'no header').toBe(PEER)
  })
})

describe('hooks see the same address', () => {
  test('allowRequest, and the requests that were refused', async () => {
    const asked: UpgradeRequest[] = []
    const options: ServerOptions = {
      trustedProxies: [PEER],
      allowRequest: (each, callback) => {
        asked.push(each)
        callback('no', false)
      },
    }
    await using server = await startServer(() => {}, options)
    const refused: string[] = []
    server.io.engine.on('connection_error', ({ request: { address } }) => refused.push(address))
    const headers = { ...UPGRADE_HEADERS, ...forwarded('203.0.113.9, 198.51.100.7') }
    await request(server.port, { path: '/roomcast/ws', headers })
    await expect(RawPoller.open(server.port, { headers: forwarded('198.51.100.8') })).rejects.toThrow('403')
    expect(asked.map(({ address }) => address)).toEqual(['198.51.100.7', '198.51.100.8'])
    await until(() => refused.length === 2)
    expect(refused).toEqual(['198.51.100.7', '198.51.100.8'])
  })

  test('of requests that are refused before anybody is asked, and of clients that are gone when they are', async () => {
    const waiting: ((isAccepted: boolean) => void)[] = []
    const options: ServerOptions = {
      trustedProxies: [PEER],
      cors: { origin: 'https://example.com' },
      allowRequest: () => new Promise((resolve) => waiting.push(resolve)),
    }
    await using server = await startServer(() => {}, options)
    const refused: string[] = []
    server.io.engine.on('connection_error', ({ request: { address } }) => refused.push(address))
    const other = { origin: 'https://example.org' }
    const from = (last: number) => forwarded(`198.51.100.${last}`)
    await request(server.port, { path: '/roomcast/ws', headers: { ...UPGRADE_HEADERS, ...other, ...from(1) } })
    await request(server.port, { path: '/roomcast/poll/v1', method: 'POST', headers: { ...other, ...from(2) } })
    await request(server.port, { path: '/roomcast/poll/v9', method: 'POST', headers: from(3) })
    expect(refused).toEqual(['198.51.100.1', '198.51.100.2', '198.51.100.3'])
    for (const [path, method, headers] of [
      ['/roomcast/ws', 'GET', { ...UPGRADE_HEADERS, ...from(4) }],
      ['/roomcast/poll/v1', 'POST', { 'content-type': POLL_CONTENT_TYPE, ...from(5) }],
    ] as const) {
      const gone = connect(server.port, PEER)
      const lines = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}`)
      gone.write([`${method} ${path} HTTP/1.1`, ...lines, 'content-length: 0', '', ''].join('\r\n'))
      const answer = await until(() => waiting.shift(), 'the hook to be asked')
      gone.destroy()
      // A round trip, in which the server has most likely seen the end; the same is expected if not.
      await request(server.port)
      answer?.(false)
    }
    await until(() => refused.length === 5)
    expect([refused.slice(3), server.faults]).toEqual([['198.51.100.4', '198.51.100.5'], []])
  })

  test('a header sent several times is read as one', async () => {
    const asked: string[] = []
    const options: ServerOptions = {
      trustedProxies: [PEER],
      allowRequest: async ({ address }) => {
        asked.push(address)
        return false
      },
    }
    await using server = await startServer(() => {}, options)
    const lines = Object.entries({ host: 'x', ...UPGRADE_HEADERS }).map(([name, value]) => `${name}: ${value}`)
    const twice = ['X-Forwarded-For: 203.0.113.9', 'x-forwarded-for: 198.51.100.7']
    await rawRequest(server.port, ['GET /roomcast/ws HTTP/1.1', ...lines, ...twice, '', ''].join('\r\n'), HEAD)
    expect(asked).toEqual(['198.51.100.7'])
  })

  test('a proxy may call over IPv6', async (context) => {
    const asked: string[] = []
    const io = new Server({
      trustedProxies: ['::1'],
      allowRequest: async ({ address }) => {
        asked.push(address)
        return false
      },
    })
    await io.listen({ port: 0, host: '::1' }).catch(() => context.skip('this machine has no IPv6'))
    for (const headers of [{}, forwarded('198.51.100.7')]) {
      const ws = new WebSocket(`ws://[::1]:${io.port}/roomcast/ws`, ['roomcast.v1'], { headers })
      await new Promise((resolve) => ws.once('error', resolve))
    }
    await io.close()
    expect(asked).toEqual(['0000:0000:0000:0000:0000:0000:0000:0001', '198.51.100.7'])
  })
})

describe('the option', () => {
  const has = (entries: readonly string[], address: string) =>
    resolveTrustedProxies(entries)?.has(readAddress(address) as string) ?? false

  test.each([
    ['10.0.0.0/8', '10.255.1.2', '11.0.0.1'],
    ['10.1.2.3/8', '10.255.1.2', '11.0.0.1'],
    ['192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['192.0.2.1/32', '192.0.2.1', '192.0.2.2'],
    ['128.0.0.0/1', '200.0.0.1', '127.0.0.1'],
    ['::1', '::1', '::2'],
    ['fd00::/8', 'fd12::1', 'fe00::1'],
    ['2001:db8::/33', '2001:db8:7fff::1', '2001:db8:8000::1'],
    ['::ffff:192.0.2.0/120', '192.0.2.9', '192.0.3.1'],
    ['192.0.2.0/24', '::ffff:192.0.2.9', '::ffff:192.0.3.1'],
    ['::ffff:c000:201', '192.0.2.1', '192.0.2.2'],
    ['10.0.0.0/8', '10.0.0.1', '::a00:1'],
  ])('%s has %s and not %s', (entry, inside, outside) => {
    expect(has([entry], inside)).toBe(true)
    expect(has([entry], outside)).toBe(false)
    expect(has(['203.0.113.1', entry], inside)).toBe(true)
  })

  test.each([
    'localhost',
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/0',
    '::/0',
    '::1/129',
    '::ffff:10.0.0.0/96',
    '::ffff:10.0.0.0/8',
    'fe80::1%eth0',
    '[::1]',
    ' 10.0.0.1',
    '*',
    'loopback',
    7,
    null,
    {},
  ])('%j is refused', (entry) => {
    expect(codeOf([entry])).toBe('INVALID_OPTION')
    expect(codeOf(['10.0.0.1', entry])).toBe('INVALID_OPTION')
  })

  test.each([['10.0.0.1'], [true], [{}], [null]])('it is a list, not %j', (value) => {
    expect(codeOf(value)).toBe('INVALID_OPTION')
  })

  test('more addresses than are remembered are all told apart, twice', () => {
    const proxies = resolveTrustedProxies(['10.0.0.0/9'])
    const addresses = Array.from({ length: LIMITS.rememberedAddresses + 100 }, (_, i) => `10.${i % 256}.${i >> 8}.7`)
    for (const address of [...addresses, ...addresses]) {
      expect(proxies?.has(address), address).toBe(Number(address.split('.')[1]) < 128)
    }
  })

  test('an empty list trusts nobody', () => {
    expect(codeOf([])).toBe(null)
    expect(resolveTrustedProxies([])).toBe(null)
  })

  function codeOf(trustedProxies: unknown): string | null {
    try {
      new Server({ trustedProxies } as ServerOptions)
      return null
    } catch (error) {
      return isRoomcastError(error) ? error.code : String(error)
    }
  }
})

describe('random headers', () => {
  const trusted = resolveTrustedProxies([PEER, '10.0.0.0/8'])
  const entry = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.0.0.1', '127.0.0.1', 'unknown', '', ' '),
    fc.string(),
  )

  test('the answer is always an address, and never one from the left of the last that is not trusted', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), fc.ipV4(), (left, client) => {
        fc.pre(!trusted?.has(client))
        const header = [...left, client, '10.7.7.7'].join(', ')
        expect(clientAddress(PEER, header, trusted)).toBe(client)
        const anything = clientAddress(PEER, left.join(','), trusted)
        expect(readAddress(anything)).toBe(anything)
        expect(clientAddress('192.0.2.1', header, trusted)).toBe('192.0.2.1')
      }),
      runs(1_000),
    )
  })

  test('every way to write an address leads to the same', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const full = readAddress(text) as string
        // IPv4 in IPv6.
        fc.pre(full.includes(':'))
        // What a URL makes of it is the shortest way.
        const { host } = new URL(`http://[${text}]/`)
        expect(new URL(`http://[${full}]/`).host).toBe(host)
        expect(readAddress(host.slice(1, -1))).toBe(full)
        expect(readAddress(text.toUpperCase())).toBe(full)
        expect(readAddress(full)).toBe(full)
      }),
      runs(1_000),
    )
  })

  test('a header as long as the engine takes is read in no time', () => {
    const header = Array.from({ length: 2_000 }, () => '10.0.0.1').join(',')
    const before = performance.now()
    expect(clientAddress(PEER, header, trusted)).toBe('10.0.0.1')
    expect(performance.now() - before).toBeLessThan(100)
  })
})
