import { connect, createServer, type Server, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { FaultProxy } from '../fault-proxy'
import { until } from '../wait'

/** One end of a link: what has come, and how it ended. */
class End {
  text = ''
  ended: 'fin' | 'open' | 'reset' = 'open'

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1')
    })
    socket.on('end', () => {
      this.ended = 'fin'
    })
    socket.on('error', () => {
      this.ended = 'reset'
    })
  }

  /** Waits until this text has come, all in all. */
  async got(text: string): Promise<void> {
    await until(() => this.text.length >= text.length || this.ended !== 'open', `"${text.slice(0, 20)}"`)
    expect(this.text).toBe(text)
  }

  async endedWith(how: 'fin' | 'reset'): Promise<void> {
    await until(() => this.ended !== 'open', 'the end of the link')
    expect(this.ended).toBe(how)
  }
}

/** A proxy, and a server that does nothing by itself. */
class Network implements AsyncDisposable {
  readonly servers: End[] = []
  private readonly clients: End[] = []

  private constructor(
    private readonly listener: Server,
    readonly proxy: FaultProxy,
  ) {}

  static async start(): Promise<Network> {
    const listener = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const network = new Network(listener, await FaultProxy.start((listener.address() as { port: number }).port))
    listener.on('connection', (socket) => network.servers.push(new End(socket)))
    return network
  }

  /** Opens a link that the server knows of. */
  async link(): Promise<{ client: End; server: End }> {
    const count = this.servers.length
    const client = this.open()
    return { client, server: await until(() => this.servers[count] as End, 'a link at the server') }
  }

  /** Opens a link, wherever it leads. */
  open(): End {
    const client = new End(connect({ port: this.proxy.port, host: '127.0.0.1', allowHalfOpen: true }))
    this.clients.push(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of [...this.clients, ...this.servers]) socket.destroy()
    await this.proxy[Symbol.asyncDispose]()
    await new Promise((resolve) => this.listener.close(resolve))
  }
}

/** Sends on a link that works, so that everything sent on other links before has arrived or never will. */
async function roundTrip({ client, server }: { client: End; server: End }): Promise<void> {
  const before = [client.text, server.text] as const
  client.socket.write('a')
  await server.got(`${before[1]}a`)
  server.socket.write('b')
  await client.got(`${before[0]}b`)
}

test('bytes go through in both directions, and are counted', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  client.socket.write('hello')
  await server.got('hello')
  server.socket.write('you')
  await client.got('you')
  expect(network.proxy.forwarded).toEqual({ up: 5, down: 3 })
  expect([network.proxy.accepted, network.proxy.openLinks]).toEqual([1, 1])
})

test('an end of one side arrives at the other, behind all bytes, and the other may go on', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  const text = 'x'.repeat(3_000_000)
  client.socket.end(text)
  await server.got(text)
  await server.endedWith('fin')
  server.socket.end('still here')
  await client.got('still here')
  await client.endedWith('fin')
  await until(() => network.proxy.openLinks === 0, 'no open link')
})

test('a reset of one side arrives at the other', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  await roundTrip({ client, server })
  client.socket.resetAndDestroy()
  await server.endedWith('reset')
  await until(() => network.proxy.openLinks === 0, 'no open link')
})

test('a server that is not there resets the link', async () => {
  await using network = await Network.start()
  await using nowhere = await FaultProxy.start(1)
  const client = new End(connect(nowhere.port, '127.0.0.1'))
  await client.endedWith('reset')
  expect([nowhere.accepted, nowhere.openLinks, network.proxy.accepted]).toEqual([1, 0, 0])
})

test.each(['fin', 'reset'] as const)('cut("%s") ends both sides of open links', async (how) => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  await roundTrip({ client, server })
  network.proxy.cut(how)
  await client.endedWith(how)
  await server.endedWith(how)
  expect(network.proxy.openLinks).toBe(0)
})

test('refuse cuts new links and leaves open ones', async () => {
  await using network = await Network.start()
  const link = await network.link()
  network.proxy.refuse()
  await network.open().endedWith('reset')
  await roundTrip(link)
  network.proxy.pass()
  await roundTrip(await network.link())
  expect(network.proxy.accepted).toBe(3)
})

test('blackHole accepts new links that never get anywhere, and leaves open ones', async () => {
  await using network = await Network.start()
  const link = await network.link()
  network.proxy.blackHole()
  const lost = network.open()
  lost.socket.write('anybody?')
  await until(() => network.proxy.openLinks === 2, 'the link in the black hole')
  await roundTrip(link)
  network.proxy.pass()
  await roundTrip(await network.link())
  expect([lost.text, lost.ended, network.servers.length]).toEqual(['', 'open', 2])
  lost.socket.end()
  await until(() => network.proxy.openLinks === 2, 'the end of the link in the black hole')
})

test('stall holds back bytes of open and new links until pass', async () => {
  await using network = await Network.start()
  const link = await network.link()
  network.proxy.stall()
  const later = await network.link()
  for (const { client, server } of [link, later]) {
    client.socket.write('up')
    server.socket.write('down')
  }
  // What is held back goes nowhere, however long it takes: nothing was forwarded when a timer has fired.
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(network.proxy.forwarded).toEqual({ up: 0, down: 0 })
  network.proxy.pass()
  for (const { client, server } of [link, later]) {
    await server.got('up')
    await client.got('down')
  }
})

test('stall of one direction leaves the other', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  network.proxy.stall('up')
  client.socket.write('up')
  server.socket.write('down')
  await client.got('down')
  expect(network.proxy.forwarded).toEqual({ up: 0, down: 4 })
  network.proxy.pass()
  await server.got('up')
})

test('swallow throws bytes and ends away, on open and new links, and each side thinks that it is connected', async () => {
  await using network = await Network.start()
  const open = await network.link()
  await roundTrip(open)
  network.proxy.swallow()
  const later = await network.link()
  for (const { client, server } of [open, later]) {
    client.socket.write('lost')
    server.socket.write('lost')
  }
  await until(() => open.client.socket.bytesWritten === 5 && later.client.socket.bytesWritten === 4, 'bytes to be sent')
  open.client.socket.end()
  later.client.socket.resetAndDestroy()
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect([open.server, later.server].map(({ text, ended }) => [text, ended])).toEqual([
    ['a', 'open'],
    ['', 'open'],
  ])
  expect(open.client.text).toBe('b')
  // The cable is back: whoever is left alone is told.
  network.proxy.pass()
  await open.server.endedWith('reset')
  await later.server.endedWith('reset')
  await roundTrip(await network.link())
})

test('swallow of one direction leaves the other, and pass lets what is sent later through', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  network.proxy.swallow('down')
  server.socket.write('lost')
  client.socket.write('up')
  await server.got('up')
  await new Promise((resolve) => setTimeout(resolve, 30))
  network.proxy.pass()
  server.socket.write('found')
  await client.got('found')
})

test('slow takes its time, loses nothing, and makes a sender wait that sends more', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  network.proxy.slow(10_000, 'down')
  const started = performance.now()
  server.socket.write('x'.repeat(1_500))
  client.socket.write('quick')
  await server.got('quick')
  await client.got('x'.repeat(1_500))
  // 150 ms are due; timers may fire a little early.
  expect(performance.now() - started).toBeGreaterThan(140)
  const flood = Buffer.alloc(1_000_000, 'x')
  await until(() => !server.socket.write(flood) && server.socket.writableLength > 20_000_000, 'a sender that waits')
  const { down } = network.proxy.forwarded
  // Most of it is still with the sender and in the kernel.
  expect(down).toBeLessThan(500_000)
  network.proxy.pass()
  const total = server.socket.bytesWritten
  await until(() => client.text.length === total, 'all bytes')
})

test('an end behind slow bytes waits for them', async () => {
  await using network = await Network.start()
  const { client, server } = await network.link()
  network.proxy.slow(20_000)
  client.socket.end('x'.repeat(1_000))
  await server.endedWith('fin')
  expect(server.text.length).toBe(1_000)
})

test('cutAfter cuts the first link on which so many bytes went through, exactly there', async () => {
  await using network = await Network.start()
  const first = await network.link()
  const second = await network.link()
  await roundTrip(first)
  network.proxy.cutAfter(10, 'up')
  second.client.socket.write('12345')
  await second.server.got('12345')
  first.client.socket.write('123456789')
  await first.server.got('a123456789')
  first.client.socket.write('0 and more')
  await first.server.got('a1234567890')
  await first.server.endedWith('fin')
  await until(() => first.client.ended !== 'open', 'the end at the client')
  expect(network.proxy.cuts).toBe(1)
  // The others stay, and so do new ones.
  second.client.socket.write('1234567890')
  await second.server.got('123451234567890')
  await roundTrip(await network.link())
  expect([network.proxy.cuts, network.proxy.openLinks]).toEqual([1, 2])
})

test('cutAfter with repeat cuts every link there, until pass', async () => {
  await using network = await Network.start()
  network.proxy.cutAfter(3, 'down', { repeat: true, how: 'reset' })
  for (const cuts of [1, 2, 3]) {
    const { client, server } = await network.link()
    server.socket.write('1234')
    await server.endedWith('reset')
    // A RST right behind bytes looks to Node.js like an end.
    await until(() => client.ended !== 'open', 'the end at the client')
    expect(network.proxy.cuts).toBe(cuts)
  }
  network.proxy.pass()
  const { client, server } = await network.link()
  server.socket.write('1234')
  await client.got('1234')
})
