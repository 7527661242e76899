/** Attributes of an element; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>

/**
 * An element as text.
 *
 * @param children  Elements, or text that went through `escapeXml`.
 */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const list = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === 'number' ? rounded(value) : escapeXml(value)}"`],
  )
  const head = `${name}${list.join('')}`
  return children.length === 0 ? `<${head}/>` : `<${head}>${children.join('')}</${name}>`
}

/** Text for an element or an attribute, without the characters that XML has no place for. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
  )
}

/**
 * About how wide a text is, in pixels. Which font the reader has is not known here; this is right for wide ones, so
 * that nothing overlaps.
 */
export function textWidth(text: string, fontSize: number): number {
  return text.length * fontSize * 0.61
}

/** Breaks a text between words into lines of no more than `width` pixels; a word that is wider stays whole. */
export function wrapText(text: string, fontSize: number, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && textWidth(longer, fontSize) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

function rounded(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`an attribute of an image is ${value}`)
  return String(Math.round(value * 10) / 10)
}
