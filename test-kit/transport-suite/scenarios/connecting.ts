import type { RoomcastError, Socket } from '@roomcast/client'
import { next, until } from '../../wait'
import { check, equal, range } from '../assert'
import { isConnected, type Scenario } from '../environment'

/** Connecting, and what is sent before. */
export const CONNECTING: readonly Scenario[] = [
  {
    name: 'connects over the transport that was asked for, and the server knows its name',
    async run(scope) {
      const socket = scope.open()
      equal([socket.connected, socket.active, socket.id], [false, true, undefined], 'before')
      await isConnected(socket)
      equal(await socket.emitWithAck('transport'), scope.environment.transport, 'socket.conn.transport.name')
      equal(await socket.emitWithAck('id'), socket.id, 'the id')
    },
  },
  {
    name: 'connect() while it connects, or is connected, does nothing',
    async run(scope) {
      const socket = scope.open()
      let connects = 0
      socket.on('connect', () => connects++)
      socket.connect().connect()
      await isConnected(socket)
      const { id } = socket
      socket.connect()
      equal(await socket.emitWithAck('echo', 1), 1, 'an echo')
      equal([connects, socket.id], [1, id], 'connects and the id')
      equal(await socket.emitWithAck('connections'), 1, 'connections of the server')
    },
  },
  {
    name: 'what was emitted before the first connect arrives after what its listener emits, in order',
    async run(scope) {
      const socket = scope.open('', { autoConnect: false })
      for (const n of range(200)) socket.emit('note', 'early', n)
      const answer = socket.emitWithAck('echo', 'called early')
      socket.once('connect', () => void socket.emit('note', 'early', 'first'))
      socket.connect()
      equal(await answer, 'called early', 'the answer')
      equal(await socket.emitWithAck('notes', 'early'), ['first', ...range(200)], 'what arrived')
    },
  },
  {
    name: 'a refusal of a middleware arrives with its code, message and data, and is final until auth is better',
    async run(scope) {
      const socket = scope.open('/guarded', { auth: { word: 'now' } })
      const [error] = (await next(socket, 'connect_error')) as [RoomcastError]
      equal(
        [error.code, error.message, error.data],
        ['CONNECT_REFUSED', 'say please', { heard: { word: 'now' } }],
        'the error',
      )
      equal([socket.connected, socket.active], [false, false], 'the state')
      socket.auth = { word: 'please' }
      socket.connect()
      await isConnected(socket)
      equal(await socket.emitWithAck('auth'), { word: 'please' }, 'auth')
    },
  },
  {
    name: 'closes and opens again 50 times, each time as somebody new, and leaves nothing behind',
    async run(scope) {
      const socket = scope.open()
      const ids = new Set<string | undefined>()
      for (const n of range(50)) {
        await isConnected(socket)
        ids.add(socket.id)
        equal(await socket.emitWithAck('echo', n), n, 'an echo')
        socket.disconnect()
        equal([socket.connected, socket.id], [false, undefined], 'after disconnect()')
        socket.connect()
      }
      await isConnected(socket)
      equal(ids.size, 50, 'different ids')
      await until(async () => (await socket.emitWithAck('connections')) === 1, 'one connection at the server')
    },
  },
  {
    name: 'disconnect() while it connects ends the attempt, and connect() begins anew',
    async run(scope) {
      const socket = scope.open()
      let connects = 0
      socket.on('connect', () => connects++)
      for (const _ of range(10)) socket.disconnect().connect()
      await isConnected(socket)
      equal(await socket.emitWithAck('echo', 'well'), 'well', 'an echo')
      equal(connects, 1, 'connects')
      await until(async () => (await socket.emitWithAck('connections')) === 1, 'one connection at the server')
    },
  },
  {
    name: 'two sockets of one program are two clients',
    async run(scope) {
      const [a, b] = [await scope.connect(), await scope.connect()] as [Socket, Socket]
      check(a.id !== b.id, 'they have ids of their own')
      a.emit('note', 'both', 'a')
      await a.emitWithAck('echo')
      b.emit('note', 'both', 'b')
      equal(await b.emitWithAck('notes', 'both'), ['a', 'b'], 'what arrived')
      const { id } = a
      a.disconnect()
      await until(() => b.emitWithAck('end of', id), 'the server to notice')
      equal(await b.emitWithAck('echo', 'still here'), 'still here', 'an echo')
    },
  },
]
