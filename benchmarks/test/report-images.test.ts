import { expect, test } from 'vitest'
import { type Bar, type BarKind, barChart } from '../src/report/bar-chart'
import { plotsOf } from '../src/report/plots'
import { element, escapeXml, textWidth, wrapText } from '../src/report/svg'
import { fakeMode } from './fake-results'

/** Elements of an XML text in their order. @throws Error if it is not well-formed. */
function parseXml(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  const open: string[] = []
  const elements: { name: string; attributes: Record<string, string>; text: string }[] = []
  let end = 0
  for (const match of xml.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(\/?)>([^<]*)/g)) {
    const [all, isEnd, name = '', attributeText = '', isEmpty, text = ''] = match
    if (match.index !== end) throw new Error(`not XML: ${xml.slice(end, end + 40)}`)
    end += all.length
    if (/&(?!(amp|lt|gt|quot);)/.test(attributeText + text)) throw new Error(`an ampersand alone in ${all}`)
    if (isEnd) {
      if (open.pop() !== name) throw new Error(`</${name}> ends another element`)
      continue
    }
    const list = [...attributeText.matchAll(/ ([a-zA-Z0-9-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
      key,
      value,
    ])
    const attributes = Object.fromEntries(list)
    if (Object.keys(attributes).length !== list.length) throw new Error(`an attribute twice in ${all}`)
    elements.push({ name, attributes, text })
    if (!isEmpty) open.push(name)
  }
  if (end !== xml.length || open.length > 0) throw new Error(`not XML: ${xml.slice(end)}, open: ${open}`)
  return elements
}

const bar = (label: string, median: number, more: Partial<Bar> = {}): Bar => ({
  label,
  kind: 'other' as BarKind,
  ratio: { median, min: median * 0.9, max: median * 1.1 },
  ...more,
})

const chartOf = (...panels: Bar[][]) =>
  parseXml(
    barChart({
      title: 'a < b & "c"',
      subtitle: 'below it',
      description: 'for those who do not see it',
      legend: { ours: 'we', other: 'they', better: 'nobody' },
      panels: panels.map((bars, index) => ({ title: `panel ${index}`, unit: 'µs', bars })),
    }),
  )

test('an element is well-formed whatever its text is', () => {
  expect(element('text', { x: 1.26, class: undefined, id: '"<&>' }, escapeXml('a<b>&"\u0000\u001b'))).toBe(
    '<text x="1.3" id="&quot;&lt;&amp;&gt;">a&lt;b&gt;&amp;&quot;</text>',
  )
  expect(() => element('line', { x1: Number.NaN })).toThrow('NaN')
})

test('long titles are broken between words', () => {
  expect(wrapText('one two three', 10, textWidth('one two', 10))).toEqual(['one two', 'three'])
  expect(wrapText('one', 10, 1)).toEqual(['one'])
})

test('an image is well-formed, has a title for those who do not see it, and follows light and dark mode', () => {
  const elements = chartOf([bar('we', 1.2, { kind: 'ours', limit: 1.5 }), bar('they', 20)], [bar('they', 0.5)])
  const [svg, title, description] = elements
  expect(svg).toMatchObject({ name: 'svg', attributes: { role: 'img', 'aria-labelledby': 'title desc' } })
  expect(title).toMatchObject({ name: 'title', text: 'a &lt; b &amp; &quot;c&quot;' })
  expect(description).toMatchObject({ name: 'desc', text: 'for those who do not see it' })
  expect(elements.find(({ name }) => name === 'style')?.text).toContain('@media (prefers-color-scheme: dark)')
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text)
  expect(texts).toEqual(expect.arrayContaining(['we', '1.20', 'they', '20.0', '0.50', 'bound', 'range of the rounds']))
  // A colour that is not there needs no explanation.
  expect(texts).not.toContain('nobody')
})

test('nothing is outside of the image, whatever the ratios are', () => {
  for (const median of [1e-6, 0.03, 1, 1.01, 999, 1e7]) {
    const [svg, ...elements] = chartOf([bar('a label of some length', median, { note: '12,345.6 KB' })], [bar('b', 1)])
    const { width, height } = svg?.attributes ?? {}
    for (const { attributes } of elements) {
      for (const key of ['x', 'x1', 'x2']) {
        const x = Number(attributes[key] ?? 0)
        expect(x).toBeGreaterThanOrEqual(0)
        expect(x + Number(attributes.width ?? 0)).toBeLessThanOrEqual(Number(width))
      }
      for (const key of ['y', 'y1', 'y2']) expect(Number(attributes[key] ?? 0)).toBeLessThanOrEqual(Number(height))
    }
  }
})

test('what is no number has no bar', () => {
  const none = { median: Number.NaN, min: Number.NaN, max: Number.NaN }
  const elements = chartOf([
    bar('nobody knows', 1, { ratio: none }),
    bar('nothing', 1, { ratio: { ...none, median: 0 } }),
  ])
  expect(elements.filter(({ name, attributes }) => name === 'rect' && attributes.class === 'other')).toHaveLength(1)
  expect(elements.filter(({ name, text }) => name === 'text' && text === '–')).toHaveLength(1)
})

test('the image of a run shows Roomcast, its options, and who is better', () => {
  const mode = fakeMode('ack', { 'raw-uws': [1], roomcast: [2], 'roomcast-history': [1.5], 'raw-ws': [1.8] })
  const [main] = plotsOf([mode], '')
  const elements = parseXml(main?.svg ?? '')
  const classes = elements.filter(({ name }) => name === 'rect').map(({ attributes }) => attributes.class)
  // Once in the legend, and once as a bar.
  expect(classes.filter((name) => name !== 'paper').sort()).toEqual([
    'better',
    'better',
    'ours',
    'ours',
    'variant',
    'variant',
  ])
  expect(elements.find(({ attributes }) => attributes.class === 'panel')?.text).toBe('Title of ack')
  expect(plotsOf([], '')).toEqual([])
})
