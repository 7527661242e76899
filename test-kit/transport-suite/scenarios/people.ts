import type { Socket, UserWatch } from '@roomcast/client'
import { next, until } from '../../wait'
import { equal, failsWith, range } from '../assert'
import { isConnected, type Scenario, type Scope } from '../environment'

/** An id that no other scenario uses: servers remember users for a while. */
const newId = (name: string) => `${name}-${Math.random().toString(36).slice(2)}`

/** Who is on a list, with the number of their connections. */
const shown = (watch: UserWatch) =>
  watch
    .list()
    .map(({ user, devices }) => `${user.name} ${devices}`)
    .sort()

async function isShown(watch: UserWatch, ...expected: string[]): Promise<void> {
  await until(() => shown(watch).join() === expected.join(), `${expected}, it shows ${shown(watch)}`)
}

/** A socket that joins a room at each connect. */
async function enter(scope: Scope, room: string, auth: object): Promise<Socket> {
  const socket = scope.open('/people', { auth })
  socket.on('connect', () => void socket.emit('join', [room]))
  await isConnected(socket)
  return socket
}

/** Logins and user lists. */
export const PEOPLE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a user logs in by connecting, is told who they are, and logs out',
    async run(scope) {
      const id = newId('ada')
      const socket = scope.open('/people', { auth: { id, name: 'Ada' } })
      const heard: unknown[] = []
      socket.on('user', (user) => heard.push(user))
      await isConnected(socket)
      equal(socket.user, { id, name: 'Ada' }, 'user')
      equal(await socket.emitWithAck('user'), { id, name: 'Ada' }, 'user on the server')
      const gone = next(socket, 'disconnect')
      await socket.logout()
      equal((await gone)[0], 'io server disconnect', 'a server without anonymous sockets')
      equal(heard, [{ id, name: 'Ada' }, null], 'events')
    },
  },
  {
    name: 'a login that is refused says why, and the next one may succeed',
    async run(scope) {
      const socket = scope.open('/people')
      const [required] = await next(socket, 'connect_error')
      equal((required as { code: string }).code, 'LOGIN_REQUIRED', 'without credentials')
      equal(socket.active, false, 'active')
      await failsWith('LOGIN_REFUSED', () => socket.login({ id: 'eve', isWrong: true }), 'by connecting')
      const id = newId('ada')
      equal(await socket.login({ id }), { id }, 'the second login')
      equal(socket.connected, true, 'connected')
      await failsWith('LOGIN_REFUSED', () => socket.login({ id: 'eve', isWrong: true }), 'while connected')
      equal(socket.user, { id }, 'user after a refusal')
    },
  },
  {
    name: 'a user list has one entry for each user, and follows who comes and goes',
    async run(scope) {
      const room = newId('room')
      const [ada, bob] = [newId('ada'), newId('bob')]
      const first = await enter(scope, room, { id: ada, name: 'Ada' })
      const watch = await first.watchUsers(room)
      const events: string[] = []
      watch.on('join', ({ user }) => events.push(`+${user.name}`))
      watch.on('leave', ({ user }) => events.push(`-${user.name}`))
      equal(shown(watch), ['Ada 1'], 'at first')
      const tabs = await Promise.all(range(3).map(() => enter(scope, room, { id: bob, name: 'Bob' })))
      await isShown(watch, 'Ada 1', 'Bob 3')
      tabs[0]?.disconnect()
      await isShown(watch, 'Ada 1', 'Bob 2')
      for (const tab of tabs) tab.disconnect()
      await isShown(watch, 'Ada 1')
      equal(events, ['+Bob', '-Bob'], 'events')
      await failsWith('WATCH_REFUSED', () => first.watchUsers(newId('room')), 'a room it is not in')
      watch.stop()
    },
  },
  {
    name: 'after a cut the user is logged in again, nobody has left, and the list goes on',
    needs: ['cut'],
    async run(scope) {
      const room = newId('room')
      const ada = await enter(scope, room, { id: newId('ada'), name: 'Ada' })
      const bob = await enter(scope, room, { id: newId('bob'), name: 'Bob' })
      const watch = await ada.watchUsers(room)
      await isShown(watch, 'Ada 1', 'Bob 1')
      const events: string[] = []
      watch.on('join', ({ user }) => events.push(`+${user.name}`))
      watch.on('leave', ({ user }) => events.push(`-${user.name}`))
      // What polls may not even notice.
      await scope.environment.control.cut()
      await enter(scope, room, { id: newId('eve'), name: 'Eve' })
      await isShown(watch, 'Ada 1', 'Bob 1', 'Eve 1')
      equal(events, ['+Eve'], 'events')
      equal([ada.user?.name, bob.user?.name], ['Ada', 'Bob'], 'users after the cut')
    },
  },
]
