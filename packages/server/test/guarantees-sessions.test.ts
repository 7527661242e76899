import { LIMITS } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { RawSession } from '../../../test-kit/raw-room'
import { connect, heard, lose, settled, socketOf, startResumable } from './resume-support'

/** Puts a client into so many rooms, and takes it out of all just before its link is lost, with a message to each. @returns Its next session. */
async function leaveAndLose(server: Awaited<ReturnType<typeof startResumable>>, rooms: number): Promise<RawSession> {
  const first = await connect(server)
  const names = Array.from({ length: rooms }, (_, n) => `room:${n}`)
  const socket = socketOf(server, first)
  socket.join(['stays', ...names])
  await settled(first)
  await lose(server, first, () => {
    for (const name of names) {
      server.io.to(name).emit('say', name)
      socket.leave(name)
    }
  })
  const next = await first.resume(server.port)
  await settled(next)
  expect(next.session?.resumed).toBe(true)
  expect(next.sid).toBe(first.sid)
  expect(socketOf(server, next).rooms).toEqual(new Set([first.sid, 'stays']))
  return next
}

describe('rooms that are left just before the cut', () => {
  test('as many as a session remembers: the last messages of each come', async () => {
    await using server = await startResumable()
    const next = await leaveAndLose(server, LIMITS.roomsLeftRemembered)
    expect(next.session?.recovered).toBe(true)
    expect(heard(next)).toEqual(Array.from({ length: LIMITS.roomsLeftRemembered }, (_, n) => `say(room:${n})`))
  })

  test('more than a session remembers: it goes on, and is told that it has not recovered everything', async () => {
    await using server = await startResumable()
    const next = await leaveAndLose(server, LIMITS.roomsLeftRemembered + 1)
    expect(next.session?.recovered).toBe(false)
    expect(socketOf(server, next).recovered).toBe(false)
    expect(heard(next), 'but those of the room that was left first').toEqual(
      Array.from({ length: LIMITS.roomsLeftRemembered }, (_, n) => `say(room:${n + 1})`),
    )
  })
})
