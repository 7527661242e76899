import { expect, test } from 'vitest'
import type { Member, MemberDelta } from '../src/cluster/engine'
import { peerTest } from './engine-peer-test'
import { bytes, Scene, type Suite, text } from './engine-scene'

/** Arrivals are a second apart. */
let clock = Date.now()

function arrival(room: string, userId: string, devices = 1, profile = 'profile'): MemberDelta {
  clock += 1_000
  return { room, userId, member: { userId, devices, joinedAt: clock, profile: bytes(profile) } }
}

function departure(room: string, userId: string): MemberDelta {
  return { room, userId, member: null }
}

function ids(members: readonly Member[]): string[] {
  return members.map(({ userId }) => userId)
}

async function allIds(scene: Scene, room: string): Promise<string[]> {
  return ids((await scene.engine.directory.list(room, { limit: 1_000 })).members)
}

/** Who is in which room. */
export function directoryConformance(suite: Suite): void {
  test('a node that sends heartbeats is among those that live', async () => {
    await using scene = await Scene.open(suite)
    const { directory, nodeId } = scene.engine
    expect(await directory.heartbeat({ nodeId, boot: 7 })).toContainEqual({ nodeId, boot: 7 })
    expect(await directory.heartbeat({ nodeId, boot: 7 })).toContainEqual({ nodeId, boot: 7 })
  })

  test('members are counted and listed by room, in order of arrival, with what was said of them', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    const [first, second] = [scene.name('first'), scene.name('second')]
    const ann = arrival(first, 'ann', 2, 'Ann')
    await directory.setMembers([ann, arrival(second, 'bob'), arrival(first, 'bob')])
    await directory.setMembers([arrival(first, 'cy')])
    expect([await directory.count(first), await directory.count(second)]).toEqual([3, 1])
    expect(await allIds(scene, first)).toEqual(['ann', 'bob', 'cy'])
    expect(await allIds(scene, second)).toEqual(['bob'])
    const [member] = (await directory.list(first, { limit: 1 })).members
    expect({ ...member, profile: text(member?.profile as Uint8Array) }).toEqual({ ...ann.member, profile: 'Ann' })
  })

  test('one member is found by room and id, as listed, until gone', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    const [first, second] = [scene.name('first'), scene.name('second')]
    await directory.setMembers([arrival(first, 'ann', 0, 'Ann'), arrival(second, 'ann'), arrival(first, 'bob')])
    const [ann] = (await directory.list(first, { limit: 1 })).members
    const found = await directory.get(first, 'ann')
    expect(found).toEqual(ann)
    expect([found?.devices, text(found?.profile as Uint8Array)]).toEqual([0, 'Ann'])
    found?.profile.fill(1)
    expect(await directory.get(first, 'ann')).toEqual(ann)
    await directory.setMembers([departure(first, 'ann')])
    expect([await directory.get(first, 'ann'), await directory.get(first, 'nobody')]).toEqual([null, null])
    expect(await directory.get(scene.name('unknown'), 'ann')).toBeNull()
    expect(await directory.get(second, 'ann')).toMatchObject({ userId: 'ann' })
  })

  test('an unknown room has nobody', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    expect(await directory.count(scene.name())).toBe(0)
    expect(await directory.list(scene.name(), { limit: 10 })).toEqual({ members: [] })
  })

  test('a member that changes keeps its place, one that leaves is gone, and one that comes again is the last', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    const room = scene.name()
    const ann = arrival(room, 'ann')
    await directory.setMembers([ann, arrival(room, 'bob'), arrival(room, 'cy')])
    await directory.setMembers([{ ...ann, member: { ...(ann.member as Member), devices: 5, profile: bytes('new') } }])
    expect(await allIds(scene, room)).toEqual(['ann', 'bob', 'cy'])
    const [first] = (await directory.list(room, { limit: 1 })).members
    expect([first?.devices, text(first?.profile as Uint8Array)]).toEqual([5, 'new'])
    await directory.setMembers([departure(room, 'ann'), departure(room, 'nobody'), departure(scene.name('other'), 'x')])
    expect(await allIds(scene, room)).toEqual(['bob', 'cy'])
    await directory.setMembers([arrival(room, 'ann')])
    expect(await allIds(scene, room)).toEqual(['bob', 'cy', 'ann'])
  })

  test('changes take effect in their order', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    const room = scene.name()
    await directory.setMembers([
      arrival(room, 'ann'),
      departure(room, 'ann'),
      departure(room, 'bob'),
      arrival(room, 'bob', 1),
      arrival(room, 'cy'),
      departure(room, 'cy'),
    ])
    expect(await allIds(scene, room)).toEqual(['bob'])
    await directory.setMembers([departure(room, 'bob')])
    expect([await directory.count(room), await allIds(scene, room)]).toEqual([0, []])
  })

  test('page by page everybody is listed once who is there all the time, while others come and go', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    const room = scene.name()
    const users = Array.from({ length: 25 }, (_, i) => `user ${i}`)
    await directory.setMembers(users.map((userId) => arrival(room, userId)))
    const listed: string[] = []
    let pages = 0
    for (let after: string | undefined; ; pages++) {
      const page = await directory.list(room, after === undefined ? { limit: 4 } : { limit: 4, after })
      expect(page.members.length).toBeLessThanOrEqual(4)
      listed.push(...ids(page.members))
      after = page.next
      if (after === undefined) break
      // The last of the page goes, on whom the next one might depend.
      if (pages < 2)
        await directory.setMembers([departure(room, listed.at(-1) as string), arrival(room, `late ${pages}`)])
    }
    expect(listed).toEqual([...users, 'late 0', 'late 1'])
    expect(pages).toBeGreaterThan(4)
  })

  test('there is no next page behind the last one', async () => {
    await using scene = await Scene.open(suite)
    const { directory } = scene.engine
    const room = scene.name()
    await directory.setMembers(['a', 'b', 'c', 'd'].map((userId) => arrival(room, userId)))
    const first = await directory.list(room, { limit: 2 })
    const second = await directory.list(room, { limit: 2, after: first.next as string })
    expect([ids(first.members), ids(second.members)]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    expect([typeof first.next, second.next]).toEqual(['string', undefined])
    expect((await directory.list(room, { limit: 4 })).next).toBeUndefined()
  })

  test('the members of a node are taken out a few rooms at a time, and it is told who is gone', async () => {
    await using scene = await Scene.open(suite)
    const { directory, nodeId } = scene.engine
    const rooms = ['first', 'second', 'third'].map((name) => scene.name(name))
    await directory.setMembers(rooms.flatMap((room) => [arrival(room, 'ann'), arrival(room, 'bob')]))
    expect(await directory.reap(`${nodeId}-unknown`, 10)).toEqual([])
    const two = await directory.reap(nodeId, 2)
    expect(two).toHaveLength(2)
    const gone = [...two, ...(await directory.reap(nodeId, 2))]
    expect(gone.map(({ room }) => room).sort()).toEqual([...rooms].sort())
    for (const { userIds } of gone) expect([...userIds].sort()).toEqual(['ann', 'bob'])
    expect(await directory.reap(nodeId, 2)).toEqual([])
    for (const room of rooms) expect([await directory.count(room), await allIds(scene, room)]).toEqual([0, []])
  })

  peerTest(suite, 'a user of two nodes is one member, and gone when it is gone from both', async (first, second) => {
    const room = first.name()
    const { directory } = first.engine
    await directory.setMembers([arrival(room, 'ann', 2)])
    await second.engine.directory.setMembers([arrival(room, 'ann', 3), arrival(room, 'bob', 1)])
    expect(await directory.count(room)).toBe(2)
    const [ann] = (await directory.list(room, { limit: 10 })).members
    expect([ann?.userId, ann?.devices]).toEqual(['ann', 5])
    expect(await directory.get(room, 'ann')).toEqual(ann)
    const gone = await directory.reap(second.engine.nodeId, 10)
    expect(gone.filter(({ userIds }) => userIds.length > 0)).toEqual([{ room, userIds: ['bob'] }])
    expect(await allIds(first, room)).toEqual(['ann'])
  })
}
