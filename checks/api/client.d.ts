// The public API. Update with: npm run api:update

import { AckResult, CloseVerdict, DataArgs, DefaultEventsMap, DefaultUser, Emitter, EventArgs, EventNames, EventsMap, PublicUser, RoomcastError, SocketEmitter, TimedArgs, UserEntry } from '@roomcast/protocol'
export { DefaultEventsMap } from '@roomcast/protocol'
export { DefaultUser } from '@roomcast/protocol'
export { EventsMap } from '@roomcast/protocol'
export { PublicUser } from '@roomcast/protocol'
export { RoomcastError } from '@roomcast/protocol'
export { UserEntry } from '@roomcast/protocol'
export { isRoomcastError } from '@roomcast/protocol'
export type AuthOption = AuthFunction | object;
export interface ClientOptions extends ManagerOptions, SocketOptions {
    readonly forceNew?: boolean;
    readonly multiplex?: boolean;
}
export type Congestion = 'high' | 'none' | 'over';
export declare class DirectEmitter<Emit extends EventsMap, Timed extends boolean> {
    #private;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: Timed extends true ? TimedArgs<Emit, Event> : EventArgs<Emit, Event>): this;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    timeout(ms: number): DirectEmitter<Emit, true>;
    maxAge(ms: number): DirectEmitter<Emit, Timed>;
    get volatile(): DirectEmitter<Emit, Timed>;
    get idempotent(): DirectEmitter<Emit, Timed>;
    compress(_compress: boolean): this;
}
export interface DisconnectDetails {
    readonly code: number;
    readonly message: string;
    readonly verdict: CloseVerdict;
}
export type DisconnectReason = 'io client disconnect' | 'io server disconnect' | 'parse error' | 'ping timeout' | 'transport close' | 'transport error';
export interface Gap {
    readonly room: string | null;
    readonly from: number;
    readonly to: number;
    readonly repaired: boolean;
}
export interface HistoryOptions {
    readonly limit?: number;
    readonly before?: number | undefined;
}
export interface Io {
    <Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, User extends PublicUser = DefaultUser>(url: string, options?: ClientOptions): Socket<Listen, Emit, User>;
    <Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, User extends PublicUser = DefaultUser>(options?: ClientOptions): Socket<Listen, Emit, User>;
}
export interface JoinOptions {
    readonly timeout?: number;
    readonly maxRate?: number | undefined;
}
export type LinkState = 'connected' | 'connecting' | 'idle' | 'waiting';
export declare class Manager extends Manager$1 {
    constructor(url: string, options?: ClientOptions);
}
export interface ManagerOptions {
    readonly path?: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly transports?: readonly string[];
    readonly upgrade?: boolean;
    readonly reconnection?: boolean;
    readonly reconnectionAttempts?: number;
    readonly reconnectionDelay?: number;
    readonly reconnectionDelayMax?: number;
    readonly timeout?: number;
    readonly autoConnect?: boolean;
    readonly extraHeaders?: Readonly<Record<string, string>>;
    readonly withCredentials?: boolean;
}
export interface ManagerReservedEvents {
    state: (state: LinkState) => void;
    congestion: (congestion: Congestion) => void;
    open: () => void;
    close: (reason: DisconnectReason, details: DisconnectDetails) => void;
    error: (error: RoomcastError) => void;
    reconnect: (attempt: number) => void;
    reconnect_attempt: (attempt: number) => void;
    reconnect_error: (error: RoomcastError) => void;
    reconnect_failed: () => void;
}
export declare class Room<Listen extends EventsMap = DefaultEventsMap, State = unknown> extends Emitter<Listen, RoomEvents> {
    #private;
    readonly name: string;
    readonly params: unknown;
    readonly state: State | undefined;
    readonly messages: readonly RoomMessage[];
    readonly isJoined: boolean;
    readonly recovered: boolean;
    readonly maxRate: number | undefined;
    get seq(): number | undefined;
    history({ limit, before }?: HistoryOptions): Promise<RoomMessage[]>;
    leave(): Promise<void>;
    setMaxRate(rate: number | undefined): Promise<void>;
}
export interface RoomEvents {
    gap: (gap: Gap) => void;
    snapshot: () => void;
    rejoin: (recovered: boolean) => void;
    closed: (error: RoomcastError) => void;
}
export interface RoomMessage {
    readonly seq: number;
    readonly at: number;
    readonly event: string;
    readonly args: readonly unknown[];
}
export declare class Socket<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, User extends PublicUser = DefaultUser> extends EmittingSocket<WithGap<WithUser<Listen, User>>, Emit> {
    #private;
    readonly nsp: string;
    id: string | undefined;
    auth: AuthOption | undefined;
    lastClose: DisconnectDetails | undefined;
    get io(): SocketLink;
    get conn(): SocketLink;
    get connected(): boolean;
    get disconnected(): boolean;
    get active(): boolean;
    get recovered(): boolean;
    get state(): LinkState;
    get user(): User | null;
    connect(): this;
    open(): this;
    disconnect(): this;
    close(): this;
    login(credentials: AuthOption): Promise<User>;
    logout(): Promise<void>;
    watchUsers(room?: string | null, { mode }?: WatchOptions): Promise<UserWatch<User>>;
    join<State = unknown>(room: string, params?: unknown, options?: JoinOptions): Promise<Room<Listen, State>>;
}
export interface SocketOptions {
    readonly auth?: AuthOption;
    readonly ackTimeout?: number;
    readonly outboxLimit?: number;
    readonly outboxBytes?: number;
    readonly outboxAge?: number;
    readonly retries?: number;
}
export interface SocketReservedEvents {
    connect: () => void;
    connect_error: (error: RoomcastError) => void;
    disconnect: (reason: DisconnectReason, details?: DisconnectDetails) => void;
    error: (error: Error) => void;
}
export type TransportName = 'polling' | 'websocket';
export declare class UserWatch<User extends PublicUser = DefaultUser> extends Emitter<Record<never, never>, UserWatchEvents<User>> implements AsyncIterable<readonly UserEntry<User>[]> {
    #private;
    readonly room: string | null;
    count: number;
    mode: WatchMode;
    stopped: boolean;
    get(id: string): UserEntry<User> | undefined;
    list(): readonly UserEntry<User>[];
    stop(): void;
    [Symbol.asyncIterator](): AsyncGenerator<readonly UserEntry<User>[], void, void>;
}
export interface UserWatchEvents<User extends PublicUser = DefaultUser> {
    join: (entry: UserEntry<User>) => void;
    leave: (entry: UserEntry<User>) => void;
    change: (entry: UserEntry<User>, before: UserEntry<User>) => void;
    update: () => void;
    stop: (error?: RoomcastError) => void;
}
export type WatchMode = 'count' | 'users';
export interface WatchOptions {
    readonly mode?: WatchMode;
}
export declare const connect: Io;
export declare const io: Io;
declare abstract class EmittingSocket<Listen extends EventsMap, Emit extends EventsMap> extends SocketEmitter<Listen, SocketReservedEvents> {
    #private;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: EventArgs<Emit, Event>): this;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    timeout(ms: number): DirectEmitter<Emit, true>;
    get volatile(): DirectEmitter<Emit, false>;
    get idempotent(): DirectEmitter<Emit, false>;
    maxAge(ms: number): DirectEmitter<Emit, false>;
    compress(_compress: boolean): this;
}
declare class Manager$1 extends Emitter<Record<never, never>, ManagerReservedEvents> implements SocketLink {
    #private;
    constructor(origin: URL, given: ClientOptions, { transports, store }: Platform);
    get state(): LinkState;
    get transport(): TransportName | undefined;
    get buffered(): number;
    get congestion(): Congestion;
    drained(): Promise<void>;
    get isSpent(): boolean;
    hasSocket(nsp: string): boolean;
    socket<Listen extends EventsMap, Emit extends EventsMap, User extends PublicUser = DefaultUser>(nsp: string, options?: ClientOptions): Socket<Listen, Emit, User>;
}
interface MovableTransport extends Transport {
    pause(onPaused: (session: string, received: number) => void): void;
    resume(): void;
    handOver(): readonly Uint8Array[];
}
interface Platform {
    readonly transports: Transports;
    readonly store: TextStore;
}
interface SocketLink extends Emitter<Record<never, never>, ManagerReservedEvents> {
    readonly state: LinkState;
    readonly transport: TransportName | undefined;
    readonly buffered: number;
    readonly congestion: Congestion;
    drained(): Promise<void>;
}
interface TextStore {
    get(key: string): string | null | undefined;
    set(key: string, value: string): unknown;
}
interface Transport {
    send(frame: Uint8Array): void;
    close(code: number, reason: string): void;
    bufferedBytes(): number;
}
interface TransportEvents {
    onOpen(subprotocol: string): void;
    onSign(): void;
    onFrame(frame: Uint8Array): void;
    onClose(code: number, reason: string, retryAfterMs?: number): void;
}
interface TransportTarget {
    readonly url: URL;
    readonly subprotocols: readonly string[];
    readonly headers: Readonly<Record<string, string>>;
    readonly withCredentials: boolean;
    silenceMs(): number;
}
interface Transports {
    readonly polling: OpenTransport<MovableTransport>;
    readonly websocket: OpenTransport;
}
type AuthFunction = (callback: (auth: object) => void) => unknown;
type OpenTransport<Link extends Transport = Transport> = (target: TransportTarget, events: TransportEvents) => Link;
type WithGap<Listen extends EventsMap> = 'gap' extends keyof Listen ? Listen : Listen & {
    gap: (gap: Gap) => void;
};
type WithUser<Listen extends EventsMap, User> = 'user' extends keyof Listen ? Listen : Listen & {
    user: (user: User | null) => void;
};
