/**
 * Whether `If-None-Match` names this entity tag. RFC 9110 section 13.1.2: a list or `*`, compared weakly, because
 * proxies that compress make a tag weak.
 */
export function matchesEtag(ifNoneMatch: string | null | undefined, etag: string): boolean {
  if (!ifNoneMatch) return false
  return ifNoneMatch.split(',').some((entry) => {
    const tag = entry.trim()
    return tag === '*' || tag.replace(/^W\//, '') === etag
  })
}
