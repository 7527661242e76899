import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { describeApi, readWithoutComments, TYPE_ENTRIES } from '../lib/public-api'
import { PACKAGES, root } from '../lib/root'

const HOW_TO_UPDATE = 'The public API has changed. If that is meant, run "npm run api:update" and commit checks/api'

test.each(PACKAGES)('the public API of %s is the committed one', async (name) => {
  await expect(describeApi(TYPE_ENTRIES[name]), HOW_TO_UPDATE).toMatchFileSnapshot(`../api/${name}.d.ts`)
})

test('so is that of the helpers for logins', async () => {
  await expect(describeApi('packages/server/dist/login.d.ts'), HOW_TO_UPDATE).toMatchFileSnapshot(
    '../api/server-login.d.ts',
  )
})

test('the client has one API, in browsers and on Node.js', () => {
  const node = TYPE_ENTRIES.client.replace('browser', 'node')
  expect(describeApi(node)).toBe(describeApi(TYPE_ENTRIES.client))
})

test.each(PACKAGES)('the types of %s can be read without the engine', async (name) => {
  const dist = `${root}/packages/${name}/dist`
  const files = (await readdir(dist, { recursive: true })).filter((path) => /\.d\.[cm]?ts$/.test(path))
  expect(files.length, 'files that were read').toBeGreaterThan(1)
  for (const path of files) {
    expect(await readWithoutComments(`${dist}/${path}`), path).not.toMatch(/uws-pack|uWebSockets/)
  }
})
