import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { PACKAGES, root } from '../lib/root'

const read = (path: string) => readFile(`${root}/${path}`, 'utf8')

interface Manifest {
  dependencies?: Record<string, string>
  files: string[]
  license: string
}

const readManifest = async (name: string) => JSON.parse(await read(`packages/${name}/package.json`)) as Manifest

test.each(PACKAGES)('%s carries the licence of the repository', async (name) => {
  expect(await read(`packages/${name}/LICENSE`)).toBe(await read('LICENSE'))
  const { files, license } = await readManifest(name)
  expect(license).toBe('Apache-2.0')
  expect(files).toContain('LICENSE')
})

test('the server carries the notice of the repository, because it installs the engine', async () => {
  expect(await read('packages/server/NOTICE')).toBe(await read('NOTICE'))
  expect((await readManifest('server')).files).toContain('NOTICE')
})

test('the notice credits the engine and every package that ours depend on', async () => {
  const notice = await read('NOTICE')
  const manifests = await Promise.all(PACKAGES.map(readManifest))
  const names = manifests.flatMap(({ dependencies }) => Object.keys(dependencies ?? {}))
  const strangers = names.filter((name) => !name.startsWith('@roomcast/'))
  expect(strangers).toContain('uws-pack')
  const headings = notice.split('\n').map((line) => line.split(':')[0])
  expect(strangers.filter((name) => !headings.includes(name))).toEqual([])
  expect(headings).toContain('uWebSockets.js, uWebSockets and uSockets')
  expect(notice).toContain('Alex Hultman')
})
