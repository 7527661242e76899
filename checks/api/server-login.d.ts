// The public API. Update with: npm run api:update

import { DefaultUser, PublicUser } from '@roomcast/protocol'
export type Login<User extends PublicUser = DefaultUser> = (credentials: any, context: LoginContext<User>) => LoginResult<User> | null | PromiseLike<LoginResult<User> | null>;
export interface LoginContext<User extends PublicUser = DefaultUser> {
    readonly namespace: string;
    readonly socketId: string;
    readonly address: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly user: User | null;
    readonly signal: AbortSignal;
}
export type LoginResult<User extends PublicUser = DefaultUser> = User & {
    readonly expiresAt?: Date | number;
    readonly claims?: unknown;
};
export interface PasswordCost {
    readonly costLog2?: number;
}
export interface SignedTokensOptions<User extends PublicUser = DefaultUser> {
    readonly key?: TokenKey;
    readonly jwksUrl?: URL | string;
    readonly algorithms: readonly TokenAlgorithm[];
    readonly issuer?: string | readonly string[];
    readonly audience?: string | readonly string[];
    readonly clockToleranceSec?: number;
    readonly requireExpiry?: boolean;
    readonly tokenOf?: (credentials: any, context: LoginContext<User>) => unknown;
    readonly user?: (claims: TokenClaims, context: LoginContext<User>) => LoginResult<User> | null | PromiseLike<LoginResult<User> | null>;
}
export type TokenAlgorithm = keyof typeof ALGORITHMS;
export interface TokenClaims {
    readonly iss?: string;
    readonly sub?: string;
    readonly aud?: string | readonly string[];
    readonly exp?: number;
    readonly nbf?: number;
    readonly iat?: number;
    readonly jti?: string;
    readonly [claim: string]: unknown;
}
export type TokenKey = JsonWebKey | KeyObject | string | Uint8Array | webcrypto.CryptoKey;
export declare function checkPassword(password: unknown, hash: string | null | undefined, { costLog2 }?: PasswordCost): Promise<boolean>;
export declare function hashPassword(password: string, { costLog2 }?: PasswordCost): Promise<string>;
export declare function signedTokens<User extends PublicUser = DefaultUser>(options: SignedTokensOptions<User>): Login<User>;
declare const ALGORITHMS: {
    HS256: Needs;
    HS384: Needs;
    HS512: Needs;
    RS256: Needs;
    RS384: Needs;
    RS512: Needs;
    PS256: Needs;
    PS384: Needs;
    PS512: Needs;
    ES256: Needs;
    ES384: Needs;
    ES512: Needs;
    EdDSA: Needs;
    Ed25519: Needs;
};
interface Needs {
    readonly type: 'ec' | 'ed25519' | 'rsa' | 'secret';
    readonly minBits: number;
    readonly curve: string;
    readonly scheme: string;
    readonly hash: string;
}
