import { expect, test } from 'vitest'
import { readSourceFiles, tooLong } from '../lib/source-files'

test('no source file is over 380 lines; from 350 on it is time to look for the second noun', async (context) => {
  const files = await readSourceFiles(['packages', 'examples', 'benchmarks', 'checks'])
  expect(files.length, 'files that were read').toBeGreaterThan(20)
  const { errors, warnings } = tooLong(files)
  for (const warning of warnings) {
    console.warn(warning)
    await context.annotate(warning, 'warning')
  }
  expect(errors).toEqual([])
})

test('the length check counts lines, not line ends', () => {
  const file = (path: string, lines: number) => ({ path, text: 'x\n'.repeat(lines) })
  const files = [file('a.ts', 349), file('b.ts', 350), file('c.ts', 380), file('d.ts', 381)]
  expect(tooLong(files)).toEqual({
    errors: ['d.ts has 381 lines, limit 380'],
    warnings: ['b.ts has 350 lines, limit 380', 'c.ts has 380 lines, limit 380'],
  })
})
