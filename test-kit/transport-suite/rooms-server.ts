import { RoomcastError, type Server, type Socket } from '@roomcast/server'

/**
 * Gives a server the namespace `/rooms`:
 *
 *   book:…     keeps 40 messages, and shows the last 5
 *   short:…    keeps 3, and its state is `{ said }`, how many there were so far
 *   bare:…     keeps none: no positions
 *   guarded:…  wants `params.word` to be "please"
 *   prices:…   retains the newest "price" of each name
 *   game:…     sends what it is sent every 10 ms
 *   any other  may not be joined
 *
 *   say room, count       sends "said" with the next numbers of this room, from 0, at once, then answers
 *   say slowly room, count    the same, one in a millisecond; answers before the first
 *
 *   price room, name, count   sends "price" with the name and the numbers from 1 to count, at once, then answers
 *
 * @param welcome  What else a socket gets.
 * @returns `say`, for the server itself.
 */
export function addRooms(io: Server, welcome: (socket: Socket) => void): (room: string, count: number) => void {
  const said = new Map<string, number>()
  const rooms = io.of('/rooms')
  const isPolite = (_joiner: unknown, room: string, params: unknown) => {
    const { word } = Object(params)
    if (word === 'please') return true
    if (word === undefined) return false
    throw new RoomcastError('RUDE', 'say please', { data: { room, word } })
  }
  const anybody = () => true
  const countOf = (_joiner: unknown, room: string) => ({ said: said.get(room) ?? 0 })
  rooms.rooms('book:*', { authorize: anybody, history: { messages: 40 }, snapshot: 5 })
  rooms.rooms('short:*', { authorize: anybody, history: { messages: 3 }, snapshot: countOf })
  rooms.rooms('bare:*', { authorize: anybody, history: false })
  const priceOf = (event: string, name: unknown) => (event === 'price' ? String(name) : undefined)
  rooms.rooms('prices:*', { authorize: anybody, latest: { key: priceOf, retain: true } })
  rooms.rooms('game:*', { authorize: anybody, flush: { tickMs: 10 } })
  rooms.rooms('guarded:*', { authorize: isPolite })

  const say = (room: string, count: number) => {
    for (let i = 0; i < count; i++) {
      const n = said.get(room) ?? 0
      said.set(room, n + 1)
      rooms.to(room).emit('said', n)
    }
  }
  const saySlowly = (room: string, count: number) => {
    if (count === 0) return
    say(room, 1)
    setTimeout(saySlowly, 1, room, count - 1)
  }
  rooms.on('connection', (socket) => {
    welcome(socket)
    socket.on('say', (room: string, count: number) => {
      say(room, count)
      return count
    })
    socket.on('price', (room: string, name: string, count: number) => {
      for (let n = 1; n <= count; n++) rooms.to(room).emit('price', name, n)
      return count
    })
    socket.on('say slowly', (room: string, count: number) => {
      setTimeout(saySlowly, 1, room, count)
      return count
    })
  })
  return say
}
