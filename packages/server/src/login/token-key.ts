import { createPublicKey, createSecretKey, type JsonWebKey, KeyObject, type webcrypto } from 'node:crypto'
import { isRoomcastError, RoomcastError } from '@roomcast/protocol'

/** What an algorithm asks of its key. `scheme` and `hash` are what a CryptoKey is bound to. */
interface Needs {
  readonly type: 'ec' | 'ed25519' | 'rsa' | 'secret'
  /** Of the secret or the modulus. */
  readonly minBits: number
  /** By the name in a JWK. */
  readonly curve: string
  readonly scheme: string
  readonly hash: string
}

/** A secret is at least as long as the hash, an RSA key has 2048 bits; RFC 7518 sections 3.2 and 3.3. */
const hmac = (bits: number): Needs => ({
  type: 'secret',
  minBits: bits,
  curve: '',
  scheme: 'HMAC',
  hash: `SHA-${bits}`,
})
const rsa = (scheme: string, bits: number): Needs => ({
  type: 'rsa',
  minBits: 2_048,
  curve: '',
  scheme,
  hash: `SHA-${bits}`,
})
const ecdsa = (curve: string): Needs => ({ type: 'ec', minBits: 0, curve, scheme: 'ECDSA', hash: '' })
const eddsa: Needs = { type: 'ed25519', minBits: 0, curve: '', scheme: 'Ed25519', hash: '' }

const ALGORITHMS = {
  HS256: hmac(256),
  HS384: hmac(384),
  HS512: hmac(512),
  RS256: rsa('RSASSA-PKCS1-v1_5', 256),
  RS384: rsa('RSASSA-PKCS1-v1_5', 384),
  RS512: rsa('RSASSA-PKCS1-v1_5', 512),
  PS256: rsa('RSA-PSS', 256),
  PS384: rsa('RSA-PSS', 384),
  PS512: rsa('RSA-PSS', 512),
  ES256: ecdsa('P-256'),
  ES384: ecdsa('P-384'),
  ES512: ecdsa('P-521'),
  EdDSA: eddsa,
  Ed25519: eddsa,
}

/** How a token is signed; RFC 7518 section 3.1, RFC 8037, RFC 9864. */
export type TokenAlgorithm = keyof typeof ALGORITHMS

/**
 * What signatures are checked with. For `HS…` the secret: bytes, text (its UTF-8), a KeyObject, a CryptoKey, or a JWK of type
 * `oct`. For the others the public key: PEM (of a certificate too), a KeyObject, a CryptoKey or a JWK. A private key stands for
 * its public part, except as CryptoKey.
 */
export type TokenKey = JsonWebKey | KeyObject | string | Uint8Array | webcrypto.CryptoKey

/** What is known of a key. */
interface Facts {
  readonly type: string
  readonly bits: number
  readonly curve: string
  /** What a CryptoKey is bound to; null for other keys. */
  readonly bound: { readonly scheme: string; readonly hash: string } | null
}

/** @throws RoomcastError `INVALID_OPTION`. */
export function checkAlgorithms(algorithms: unknown, hasUrl: boolean): TokenAlgorithm[] {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw invalid('algorithms has to be a list, as in ["RS256"]: what tokens say themselves is not trusted')
  }
  for (const name of algorithms as readonly unknown[]) {
    if (typeof name !== 'string' || !Object.hasOwn(ALGORITHMS, name)) {
      const known = Object.keys(ALGORITHMS).join(', ')
      throw invalid(`algorithms has "${String(name).slice(0, 40)}"; there are ${known}`)
    }
  }
  const names = algorithms as readonly TokenAlgorithm[]
  const secret = names.filter((name) => ALGORITHMS[name].type === 'secret')
  // Whoever knows the public key could sign with it as if it were the secret.
  if (secret.length > 0 && secret.length < names.length) {
    throw invalid(`algorithms has ${secret[0]} beside others: a key is a secret, or it is public`)
  }
  if (secret.length > 0 && hasUrl) throw invalid(`algorithms has ${secret[0]}: a secret does not come from a jwksUrl`)
  return [...names]
}

/**
 * Reads a key, and sees to it that it fits all of the algorithms.
 *
 * @throws RoomcastError `INVALID_OPTION`; nothing of the key is in its text.
 */
export function readTokenKey(key: unknown, algorithms: readonly TokenAlgorithm[]): KeyObject | webcrypto.CryptoKey {
  const isSecret = ALGORITHMS[algorithms[0] as TokenAlgorithm].type === 'secret'
  const read = isCryptoKey(key) ? key : toKeyObject(key, isSecret)
  const facts = read instanceof KeyObject ? factsOf(read) : factsOfCryptoKey(read)
  for (const name of algorithms) {
    const { type, minBits, curve, scheme, hash } = ALGORITHMS[name]
    if (facts.type !== type || facts.curve !== curve) throw invalid(`key does not fit ${name}`)
    if (facts.bits < minBits) throw invalid(`key has ${facts.bits} bits, ${name} needs ${minBits}`)
    const { bound } = facts
    if (bound !== null && (bound.scheme !== scheme || bound.hash !== hash)) throw invalid(`key does not fit ${name}`)
    if (isJwk(key) && key.alg !== undefined && key.alg !== name) throw invalid(`key says that it is not for ${name}`)
  }
  return read
}

function toKeyObject(key: unknown, isSecret: boolean): KeyObject {
  if (key instanceof KeyObject) return key.type === 'private' ? createPublicKey(key) : key
  try {
    if (isJwk(key)) return fromJwk(key, isSecret)
    if (typeof key === 'string' || key instanceof Uint8Array) return fromBytes(Buffer.from(key as string), isSecret)
  } catch (error) {
    if (isRoomcastError(error)) throw error
    throw new RoomcastError('INVALID_OPTION', 'signedTokens: key cannot be read', { cause: error })
  }
  throw invalid('key has to be text, bytes, a KeyObject, a CryptoKey or a JWK')
}

function fromJwk(jwk: JsonWebKey, isSecret: boolean): KeyObject {
  if (jwk.use !== undefined && jwk.use !== 'sig') throw invalid('key is a JWK that is not for signatures')
  if (!isSecret) return createPublicKey({ key: jwk, format: 'jwk' })
  if (jwk.kty !== 'oct' || typeof jwk.k !== 'string') throw invalid('key is a JWK that is no secret')
  return createSecretKey(Buffer.from(jwk.k, 'base64url'))
}

function fromBytes(bytes: Buffer, isSecret: boolean): KeyObject {
  const isPem = bytes.toString('latin1').trimStart().startsWith('-----BEGIN')
  // A public key as the secret is what lets everybody sign.
  if (isSecret && isPem) throw invalid('key is PEM, which is no secret')
  return isSecret ? createSecretKey(bytes) : createPublicKey(bytes)
}

/** By the names that OpenSSL has for the curves. */
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

function factsOf(key: KeyObject): Facts {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  return {
    type: key.asymmetricKeyType ?? key.type,
    bits: key.symmetricKeySize === undefined ? modulusLength : key.symmetricKeySize * 8,
    curve: CURVES[namedCurve] ?? namedCurve,
    bound: null,
  }
}

function factsOfCryptoKey({ algorithm, type, usages }: webcrypto.CryptoKey): Facts {
  if (type === 'private' || !usages.includes('verify')) throw invalid('key is a CryptoKey that cannot verify')
  const { name, hash, namedCurve, length, modulusLength } = algorithm as {
    name: string
    hash?: { name: string }
    namedCurve?: string
    length?: number
    modulusLength?: number
  }
  return {
    type: Object.values(ALGORITHMS).find(({ scheme }) => scheme === name)?.type ?? name,
    bits: modulusLength ?? length ?? 0,
    curve: namedCurve ?? '',
    bound: { scheme: name, hash: hash?.name ?? '' },
  }
}

function isCryptoKey(key: unknown): key is webcrypto.CryptoKey {
  return Object.prototype.toString.call(key) === '[object CryptoKey]'
}

function isJwk(key: unknown): key is JsonWebKey {
  return typeof key === 'object' && key !== null && 'kty' in key
}

/** @returns the error of an option. */
export function invalid(what: string): RoomcastError {
  return new RoomcastError('INVALID_OPTION', `signedTokens: ${what}`)
}
