import { io as connect } from '@roomcast/client'
import { CLOSE_CODES, LIMITS, MESSAGE_TYPES, RESERVED_EVENTS } from '@roomcast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../../test-kit/random'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/*
 * Bad input gets a coded answer or a coded close, and harms nobody else. After every attack a bystander on the
 * same server still gets an answer, and no fault was reported.
 */

let server: TestServer
let bystander: ReturnType<typeof connect>
const processEvents: unknown[] = []
const note = (error: unknown) => processEvents.push(error)

beforeAll(async () => {
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
  server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.on('echo', (value: unknown) => value ?? null)
      for (const name of RESERVED_EVENTS) {
        socket.on(name, (...args: unknown[]) => args.includes('forged') && forged.push(name))
      }
    })
  })
  bystander = connect(server.url)
  await until(() => bystander.connected)
})

afterAll(async () => {
  bystander.close()
  await server[Symbol.asyncDispose]()
  process.off('uncaughtException', note)
  process.off('unhandledRejection', note)
})

/** Reserved events that reached a listener with the arguments of a client. */
const forged: string[] = []

async function expectUnharmed(): Promise<void> {
  expect(await bystander.emitWithAck('echo', 'alive')).toBe('alive')
  expect(bystander.connected).toBe(true)
  expect(server.faults).toEqual([])
  expect(processEvents).toEqual([])
}

/** Bytes of a hex string with spaces. */
function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

/** An EVENT frame "e" around this body. */
function event(body: Uint8Array): Uint8Array {
  return Uint8Array.from([MESSAGE_TYPES.EVENT, 1, 0x65, ...body])
}

describe('malformed frames close the connection with BAD_FRAME', () => {
  const frames: Record<string, Uint8Array> = {
    'an empty frame': new Uint8Array(0),
    'message type 0': hex('00 c0'),
    'an unknown message type': hex('1f c0'),
    'a message that only a server sends': hex('02 80'),
    'an event without a name': hex('05'),
    'an event name longer than the frame': hex('05 7f 65'),
    'an event name with a NUL': hex('05 01 00 90'),
    'an event name that is not UTF-8': hex('05 02 ff fe 90'),
    'a name that is longer than 128 bytes': event(new Uint8Array(0)).map((byte, i) => (i === 1 ? 129 : byte)),
    'an ack id that is cut off': hex('45 ff'),
    'an ack id beyond 2^53': hex('45 ff ff ff ff ff ff ff ff 7f 01 65 90'),
    'an event without a body': hex('05 01 65'),
    'an ack without an id': hex('06 90'),
    'a room position from a client': hex('85 01 01 01 65 90'),
    'arguments that are no array': event(hex('80')),
    'a connect without a namespace': hex('01 80'),
    'a connect to a name without a slash': hex('01 81 a3 6e 73 70 a1 78'),
    'a namespace connected twice': hex('01 81 a3 6e 73 70 a1 2f'),
    'bytes behind the body': event(hex('90 00')),
    'a declared length of 2^32 - 1': event(hex('dd ff ff ff ff')),
    'a string of 2^32 - 1 bytes': event(hex('91 db ff ff ff ff 61')),
    'an extension type': event(hex('91 d4 01 00')),
    'a map with the key __proto__': event(hex('91 81 a9 5f 5f 70 72 6f 74 6f 5f 5f 01')),
    'a map with a number as key': event(hex('91 81 01 01')),
    'a string that is not UTF-8': event(hex('91 a1 ff')),
    'an integer of 64 bits': event(hex('91 cf ff ff ff ff ff ff ff ff')),
    '5,000 levels of nesting': event(new Uint8Array(5_001).fill(0x91, 0, 5_000)),
    'more values than a body may have': event(
      Uint8Array.from([0xdc, 0x4e, 0x20, ...new Uint8Array(20_000).fill(0xc0)]),
    ),
  }

  test.each(Object.entries(frames))('%s', async (_name, bytes) => {
    using client = await RawClient.connect(server.port)
    client.sendBytes(bytes)
    const { code, reason } = await client.close()
    expect(code).toBe(CLOSE_CODES.BAD_FRAME)
    expect(reason).not.toBe('')
    await expectUnharmed()
  })

  test('a text message', async () => {
    using client = await RawClient.connect(server.port)
    client.sendText('hello')
    expect((await client.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
    await expectUnharmed()
  })

  test('every truncation of a good frame', async () => {
    const good = Uint8Array.from([MESSAGE_TYPES.EVENT | 0x40, 5, 4, 0x65, 0x63, 0x68, 0x6f, 0x91, 0xa2, 0x68, 0x69])
    for (let length = 1; length < good.length; length++) {
      using client = await RawClient.connect(server.port)
      client.sendBytes(good.slice(0, length))
      expect((await client.close()).code, `first ${length} bytes`).toBe(CLOSE_CODES.BAD_FRAME)
    }
    await expectUnharmed()
  })
})

describe('frames that break a rule are answered with a code', () => {
  test.each([...RESERVED_EVENTS])('the reserved event "%s" reaches no listener', async (name) => {
    using client = await RawClient.connect(server.port)
    client.emit(name, ['forged'], 7)
    expect((await client.frame('ACK_ERROR')).body).toMatchObject({ code: 'RESERVED_EVENT' })
    client.emit(name, ['forged'])
    expect((await client.frame('ERROR')).body).toMatchObject({ code: 'RESERVED_EVENT' })
    expect(forged).toEqual([])
    client.emit('echo', ['still here'], 8)
    expect((await client.frame('ACK')).body).toEqual(['still here'])
  })

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'then'])(
    'the event "%s" is an ordinary one that nobody listens for',
    async (name) => {
      using client = await RawClient.connect(server.port)
      client.emit(name, [], 7)
      expect((await client.frame('ACK_ERROR')).body).toMatchObject({ code: 'NO_HANDLER' })
      await expectUnharmed()
    },
  )

  test('an answer to a call that was never made', async () => {
    using client = await RawClient.connect(server.port)
    for (const ackId of [2, 3, 2 ** 40]) {
      client.send({ type: MESSAGE_TYPES.ACK, ackId }, [])
      expect((await client.frame('ERROR')).body).toMatchObject({ code: 'UNKNOWN_ACK' })
      client.send({ type: MESSAGE_TYPES.ACK_ERROR, ackId }, { code: 'X', message: '' })
      expect((await client.frame('ERROR')).body).toMatchObject({ code: 'UNKNOWN_ACK' })
    }
    await expectUnharmed()
  })

  test('a frame for a namespace that was never connected', async () => {
    using client = await RawClient.connect(server.port)
    client.send({ type: MESSAGE_TYPES.EVENT, namespace: 99, event: 'echo' }, [])
    expect((await client.frame('ERROR')).body).toMatchObject({ code: 'NOT_CONNECTED' })
    await expectUnharmed()
  })

  test('a numeric event that was never announced', async () => {
    using client = await RawClient.connect(server.port)
    client.send({ type: MESSAGE_TYPES.EVENT, event: 12, ackId: 1 }, [])
    expect((await client.frame('ACK_ERROR')).body).toMatchObject({ code: 'UNKNOWN_EVENT_ID' })
    await expectUnharmed()
  })

  test('the eleventh of them closes the connection', async () => {
    using client = await RawClient.connect(server.port)
    for (let i = 0; i <= LIMITS.protocolErrors; i++) client.send({ type: MESSAGE_TYPES.ACK, ackId: 2 }, [])
    expect((await client.close()).code).toBe(CLOSE_CODES.TOO_MANY_ERRORS)
    expect(client.frames.filter(({ type }) => type === 'ERROR')).toHaveLength(LIMITS.protocolErrors)
    await expectUnharmed()
  })
})

describe('limits', () => {
  test('a frame over the announced limit is closed with its code', async () => {
    using client = await RawClient.connect(server.port)
    client.emit('echo', [new Uint8Array(LIMITS.frameBytes)])
    expect((await client.close()).code).toBe(CLOSE_CODES.FRAME_TOO_LARGE)
    await expectUnharmed()
  })

  test('a frame far over the limit is cut off by the engine', async () => {
    using client = await RawClient.connect(server.port)
    client.emit('echo', [new Uint8Array(LIMITS.frameBytes * 3)])
    expect((await client.close()).code).toBe(CLOSE_CODES.ABNORMAL)
    await expectUnharmed()
  })

  test('a frame of exactly the limit is taken', async () => {
    using client = await RawClient.connect(server.port)
    // Type, ack id, name with its length, array of one, binary with a length of 4 bytes.
    const payload = new Uint8Array(LIMITS.frameBytes - (1 + 1 + 5 + 1 + 5))
    client.emit('echo', [payload], 1)
    expect(((await client.frame('ACK')).body as [Uint8Array])[0]).toHaveLength(payload.length)
  })

  test('more frames than allowed before the first namespace close the connection', async () => {
    using client = await RawClient.open(server.port)
    for (let i = 0; i <= LIMITS.framesBeforeConnect; i++) client.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
    expect((await client.close()).code).toBe(CLOSE_CODES.CONNECT_LIMIT)
  })

  test('more bytes than allowed before the first namespace close the connection', async () => {
    using client = await RawClient.open(server.port)
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', auth: new Uint8Array(LIMITS.bytesBeforeConnect) })
    expect((await client.close()).code).toBe(CLOSE_CODES.CONNECT_LIMIT)
  })
})

test('random bytes and mutated frames never harm the server', async () => {
  const random = createRandom()
  const seeds = [
    Uint8Array.from([
      MESSAGE_TYPES.EVENT | 0x40,
      5,
      4,
      0x65,
      0x63,
      0x68,
      0x6f,
      0x92,
      0xa2,
      0x68,
      0x69,
      0x81,
      0xa1,
      0x61,
      0x05,
    ]),
    Uint8Array.from([MESSAGE_TYPES.ACK | 0x40, 2, 0x90]),
    Uint8Array.from([MESSAGE_TYPES.CONNECT, 0x81, 0xa3, 0x6e, 0x73, 0x70, 0xa2, 0x2f, 0x78]),
    Uint8Array.from([MESSAGE_TYPES.DISCONNECT, 0xc0]),
  ]
  for (let i = 0; i < 300; i++) {
    using client = await RawClient.connect(server.port)
    for (let k = 0; k < 5; k++) {
      const bytes = random.chance(0.3)
        ? Uint8Array.from({ length: random.below(40) }, () => random.below(256))
        : random.pick(seeds).slice()
      for (let m = random.below(3); m > 0; m--) bytes[random.below(bytes.length)] = random.below(256)
      client.sendBytes(random.chance(0.2) ? bytes.slice(0, random.below(bytes.length + 1)) : bytes)
    }
    // Whatever it was, the client is answered, closed, or still served.
    client.emit('echo', [i], 999)
    await until(
      () => client.closed !== null || client.frames.some(({ ackId, type }) => ackId === 999 || type === 'ERROR'),
      `an outcome, SEED=${random.seed}`,
    )
  }
  await expectUnharmed()
}, 60_000)
