// The public API. Update with: npm run api:update

export type AckResult<Map extends EventsMap, Event extends EventNames<Map>> = string extends keyof Map ? any : HasAck<EventArgs<Map, Event>> extends true ? NonNullable<Last<EventArgs<Map, Event>>> extends () => unknown ? void : FirstParameter<NonNullable<Last<EventArgs<Map, Event>>>> : never;
export interface AnnouncedLimits {
    readonly frameBytes: number;
    readonly pingIntervalMs: number;
    readonly pingTimeoutMs: number;
}
export type AnyListener = (...args: any[]) => unknown;
export type BroadcastArgs<Map extends EventsMap, Event extends EventNames<Map>> = string extends keyof Map ? EventArgs<Map, Event> : HasAck<EventArgs<Map, Event>> extends true ? [
    ...ButLast<EventArgs<Map, Event>>,
    (error: Error | null, responses: AckResult<Map, Event>[]) => void
] : EventArgs<Map, Event>;
export declare const CLOSE_CODES: {
    readonly NORMAL: 1000;
    readonly GOING_AWAY: 1001;
    readonly NO_STATUS: 1005;
    readonly ABNORMAL: 1006;
    readonly SERVER_SHUTDOWN: 1012;
    readonly KICKED: 4000;
    readonly UNSUPPORTED_VERSION: 4001;
    readonly CONNECT_TIMEOUT: 4002;
    readonly BAD_FRAME: 4003;
    readonly FRAME_TOO_LARGE: 4004;
    readonly TOO_MANY_ERRORS: 4005;
    readonly CONNECT_LIMIT: 4006;
    readonly HELD_LIMIT: 4007;
    readonly PING_TIMEOUT: 4008;
    readonly SESSION_UNKNOWN: 4009;
    readonly SLOW_CONSUMER: 4010;
    readonly SWITCH_REFUSED: 4011;
    readonly LOGIN_EXPIRED: 4012;
    readonly REPLACED: 4013;
    readonly REVOKED: 4014;
    readonly RATE_LIMITED: 4015;
};
export declare const CLOSE_MEANINGS: Readonly<Record<CloseName, string>>;
export declare const CLOSE_SENDERS: Readonly<Record<CloseName, CloseSender>>;
export type CatchAllListener = (event: string, ...args: any[]) => void;
export interface CloseBody extends EndBody {
    readonly retryAfterMs?: number | undefined;
}
export type CloseName = keyof typeof CLOSE_CODES;
export type CloseSender = 'both' | 'client' | 'engine' | 'server';
export type CloseVerdict = 'backoff' | 'never' | 'now';
export interface ConnectBody {
    readonly nsp: string;
    readonly auth?: unknown;
    readonly previous?: string | undefined;
    readonly client?: string | undefined;
    readonly resume?: ResumeBody | undefined;
}
export interface ConnectErrorBody extends ErrorBody {
    readonly nsp: string;
}
export interface ConnectedBody {
    readonly nsp: string;
    readonly sid: string;
    readonly limits: AnnouncedLimits;
    readonly previous?: EndBody | undefined;
    readonly user?: PublicUser | undefined;
    readonly expiresInMs?: number | undefined;
    readonly session?: SessionBody | undefined;
    readonly rooms?: readonly (RoomEntry | null)[] | undefined;
}
export type DataArgs<Map extends EventsMap, Event extends EventNames<Map>> = HasAck<EventArgs<Map, Event>> extends true ? ButLast<EventArgs<Map, Event>> : EventArgs<Map, Event>;
export interface DefaultEventsMap {
    [event: string]: (...args: any[]) => void;
}
export type DefaultUser = PublicUser & {
    readonly [field: string]: any;
};
export type Direction = 'both' | 'client' | 'server';
export declare const ERROR_CODES: {
    readonly ACK_TIMEOUT: ErrorCodeRow;
    readonly ALREADY_LISTENING: ErrorCodeRow;
    readonly AUTH_FAILED: ErrorCodeRow;
    readonly BAD_FRAME: ErrorCodeRow;
    readonly BAD_VALUE: ErrorCodeRow;
    readonly CONNECT_REFUSED: ErrorCodeRow;
    readonly CONNECT_TIMEOUT: ErrorCodeRow;
    readonly DISCONNECTED: ErrorCodeRow;
    readonly ENGINE_FAILED: ErrorCodeRow;
    readonly ENGINE_NOT_FOUND: ErrorCodeRow;
    readonly ENGINE_OVERLOADED: ErrorCodeRow;
    readonly EVENT_REFUSED: ErrorCodeRow;
    readonly HANDLER_FAILED: ErrorCodeRow;
    readonly HANDLER_TIMEOUT: ErrorCodeRow;
    readonly HISTORY_REFUSED: ErrorCodeRow;
    readonly INVALID_EVENT_NAME: ErrorCodeRow;
    readonly INVALID_NAME: ErrorCodeRow;
    readonly INVALID_NAMESPACE: ErrorCodeRow;
    readonly INVALID_OPTION: ErrorCodeRow;
    readonly INVALID_REQUEST: ErrorCodeRow;
    readonly INVALID_ROOM_NAME: ErrorCodeRow;
    readonly INVALID_USER: ErrorCodeRow;
    readonly JOIN_REFUSED: ErrorCodeRow;
    readonly LISTEN_FAILED: ErrorCodeRow;
    readonly LOGIN_BUSY: ErrorCodeRow;
    readonly LOGIN_EXPIRED: ErrorCodeRow;
    readonly LOGIN_FAILED: ErrorCodeRow;
    readonly LOGIN_OVERTAKEN: ErrorCodeRow;
    readonly LOGIN_RATE_LIMITED: ErrorCodeRow;
    readonly LOGIN_REFUSED: ErrorCodeRow;
    readonly LOGIN_REQUIRED: ErrorCodeRow;
    readonly LOGIN_TIMEOUT: ErrorCodeRow;
    readonly LOGIN_UNAVAILABLE: ErrorCodeRow;
    readonly MESSAGE_TOO_LARGE: ErrorCodeRow;
    readonly NAME_IN_USE: ErrorCodeRow;
    readonly NO_HANDLER: ErrorCodeRow;
    readonly NOT_CONNECTED: ErrorCodeRow;
    readonly NOT_ENCODABLE: ErrorCodeRow;
    readonly OPTION_NOT_SUPPORTED: ErrorCodeRow;
    readonly ORIGIN_NOT_ALLOWED: ErrorCodeRow;
    readonly OUTBOX_EXPIRED: ErrorCodeRow;
    readonly OUTBOX_FULL: ErrorCodeRow;
    readonly POLL_OUT_OF_ORDER: ErrorCodeRow;
    readonly RATE_LIMITED: ErrorCodeRow;
    readonly REQUEST_REFUSED: ErrorCodeRow;
    readonly RESERVED_EVENT: ErrorCodeRow;
    readonly RESULT_NOT_KEPT: ErrorCodeRow;
    readonly SERVER_FULL: ErrorCodeRow;
    readonly SESSION_CLOSED: ErrorCodeRow;
    readonly SESSION_SWITCHED: ErrorCodeRow;
    readonly SESSION_UNKNOWN: ErrorCodeRow;
    readonly STORE_FULL: ErrorCodeRow;
    readonly TOO_MANY_CONNECTIONS: ErrorCodeRow;
    readonly TOO_MANY_NAMESPACES: ErrorCodeRow;
    readonly TOO_MANY_PENDING_ACKS: ErrorCodeRow;
    readonly TOO_MANY_ROOMS: ErrorCodeRow;
    readonly TOO_MANY_SESSIONS: ErrorCodeRow;
    readonly TOO_MANY_WATCHES: ErrorCodeRow;
    readonly TRANSPORT_FAILED: ErrorCodeRow;
    readonly UNKNOWN_ACK: ErrorCodeRow;
    readonly UNKNOWN_EVENT_ID: ErrorCodeRow;
    readonly UNKNOWN_REQUEST: ErrorCodeRow;
    readonly UNSUPPORTED_VERSION: ErrorCodeRow;
    readonly USER_NOT_ONLINE: ErrorCodeRow;
    readonly USER_SESSION_LIMIT: ErrorCodeRow;
    readonly WATCH_REFUSED: ErrorCodeRow;
};
export declare class Emitter<User extends EventsMap, Reserved extends EventsMap> {
    #private;
    on<Event extends ListenableNames<User, Reserved>>(event: Event, listener: ListenerFor<User, Reserved, Event>): this;
    once<Event extends ListenableNames<User, Reserved>>(event: Event, listener: ListenerFor<User, Reserved, Event>): this;
    off<Event extends ListenableNames<User, Reserved>>(event?: Event, listener?: ListenerFor<User, Reserved, Event>): this;
    addListener<Event extends ListenableNames<User, Reserved>>(event: Event, listener: ListenerFor<User, Reserved, Event>): this;
    removeListener<Event extends ListenableNames<User, Reserved>>(event: Event, listener: ListenerFor<User, Reserved, Event>): this;
    removeAllListeners<Event extends ListenableNames<User, Reserved>>(event?: Event): this;
    listeners<Event extends ListenableNames<User, Reserved>>(event: Event): ListenerFor<User, Reserved, Event>[];
    listenerCount<Event extends ListenableNames<User, Reserved>>(event: Event): number;
    eventNames(): string[];
}
export interface EndBody {
    readonly code: number;
    readonly message: string;
}
export interface ErrorBody {
    readonly code: string;
    readonly message: string;
    readonly data?: unknown;
}
export type ErrorCarrier = 'ack' | 'close' | 'connect_error' | 'error event' | 'HTTP' | 'onError' | 'throw';
export type ErrorCode = keyof typeof ERROR_CODES;
export interface ErrorCodeRow {
    readonly sources: readonly ErrorSource[];
    readonly carriers: readonly ErrorCarrier[];
    readonly meaning: string;
}
export type ErrorSource = 'client' | 'local' | 'server';
export type EventArgs<Map extends EventsMap, Event extends EventNames<Map>> = Parameters<Map[Event]>;
export type EventHandler<Map extends EventsMap, Event extends EventNames<Map>> = (...args: EventArgs<Map, Event>) => HandlerResult<Map, Event>;
export type EventNames<Map extends EventsMap> = keyof Map & string;
export interface EventsMap {
    [event: string]: any;
}
export interface FrameFields {
    readonly type: MessageType;
    readonly namespace?: number;
    readonly ackId?: number;
    readonly room?: number;
    readonly seq?: number;
    readonly event?: number | string;
}
export interface FrameHeader {
    type: MessageType;
    namespace: number;
    ackId: number;
    room: number;
    seq: number;
    event: number | string;
}
export declare class FrameStream {
    constructor(maxFrameBytes: number);
    push(body: Uint8Array, maxFrames: number, onFrame: (frame: Uint8Array) => void): void;
}
export interface GateLimits {
    readonly depth: number;
    readonly items: number;
}
export declare const HEADER_FLAGS: {
    readonly NAMESPACE: 32;
    readonly ACK: 64;
    readonly ROOM: 128;
};
export type HandlerResult<Map extends EventsMap, Event extends EventNames<Map>> = string extends keyof Map ? unknown : HasAck<EventArgs<Map, Event>> extends true ? AckResult<Map, Event> | Promise<AckResult<Map, Event> | void> | void : unknown;
export declare const LIMITS: {
    readonly frameBytes: 1048576;
    readonly valueDepth: 16;
    readonly valueItems: 10000;
    readonly eventNameBytes: 128;
    readonly roomNameBytes: 200;
    readonly namespaceNameBytes: 200;
    readonly namespacesPerConnection: 32;
    readonly framesBeforeConnect: 4;
    readonly bytesBeforeConnect: 8192;
    readonly connectTimeoutMs: 5000;
    readonly messagesPerSecond: 500;
    readonly burstMessages: 4000;
    readonly bytesPerSecond: 1048576;
    readonly burstBytes: 4194304;
    readonly rateRefusals: 512;
    readonly connections: 100000;
    readonly connectionsPerAddress: 256;
    readonly handshakesPerSecond: 50;
    readonly burstHandshakes: 500;
    readonly rememberedAddresses: 10000;
    readonly pendingAcks: 256;
    readonly pendingBroadcasts: 1024;
    readonly ackTimeoutMs: 10000;
    readonly heldFrames: 2048;
    readonly heldBytes: 2097152;
    readonly heldBytesOfAll: 67108864;
    readonly protocolErrors: 10;
    readonly outboxEvents: 1000;
    readonly outboxBytes: 1048576;
    readonly outboxAgeMs: 120000;
    readonly outgoingBytes: 1048576;
    readonly pingIntervalMs: 5000;
    readonly pingTimeoutMs: 5000;
    readonly pollBodyBytes: 65536;
    readonly pollAnswerBytes: 524288;
    readonly pollFrames: 1024;
    readonly pollSessions: 10000;
    readonly switchTimeoutMs: 10000;
    readonly rememberedCloses: 4096;
    readonly rememberedCloseMs: 120000;
    readonly userIdBytes: 128;
    readonly userNameBytes: 64;
    readonly profileBytes: 1024;
    readonly loginTimeoutMs: 4000;
    readonly concurrentLogins: 8;
    readonly queuedLogins: 1024;
    readonly loginFailuresPerAddress: 60;
    readonly loginFailuresPerAccount: 10;
    readonly rememberedLogins: 10000;
    readonly sessionsPerUser: 32;
    readonly presenceFlushMs: 250;
    readonly presenceGraceMs: 3000;
    readonly watchesPerSocket: 32;
    readonly presenceFrameValues: 9000;
    readonly presenceFrameBytes: 131072;
    readonly roomsPerSocket: 256;
    readonly historyMessages: 1000;
    readonly historyBytes: 262144;
    readonly historyAgeMs: 120000;
    readonly historyBytesOfAll: 67108864;
    readonly historyPageMessages: 1000;
    readonly historyPageBytes: 262144;
    readonly retainedKeys: 1024;
    readonly latestKeyBytes: 128;
    readonly pacedValues: 1024;
    readonly pacedBytes: 1048576;
    readonly resumeWindowMs: 120000;
    readonly detachedSessions: 10000;
    readonly sessionDataBytes: 65536;
    readonly resumedRooms: 1000;
    readonly roomsLeftRemembered: 64;
    readonly heldRoomMessages: 1000;
    readonly resultsPerClient: 512;
    readonly resultBytesPerClient: 262144;
    readonly callingClients: 65536;
    readonly resultAgeMs: 120000;
    readonly resultBytesOfAll: 67108864;
};
export type LimitName = keyof typeof LIMITS;
export type ListenableNames<User extends EventsMap, Reserved extends EventsMap> = EventNames<Reserved> | EventNames<User>;
export type ListenerFor<User extends EventsMap, Reserved extends EventsMap, Event extends string> = Event extends EventNames<Reserved> ? Reserved[Event] : Event extends EventNames<User> ? EventHandler<User, Event> : never;
export declare const MESSAGE_DEFINITIONS: Readonly<Record<MessageName, MessageDefinition>>;
export declare const MESSAGE_TYPES: {
    readonly CONNECT: 1;
    readonly CONNECTED: 2;
    readonly CONNECT_ERROR: 3;
    readonly DISCONNECT: 4;
    readonly EVENT: 5;
    readonly ACK: 6;
    readonly ACK_ERROR: 7;
    readonly ERROR: 8;
    readonly PING: 9;
    readonly PONG: 10;
    readonly SWITCH: 11;
    readonly SWITCHED: 12;
    readonly CLOSE: 13;
    readonly REQUEST: 14;
    readonly NOTICE: 15;
    readonly CALL: 16;
};
export interface MessageDefinition {
    readonly direction: Direction;
    readonly header: readonly string[];
    readonly body: string;
}
export type MessageName = keyof typeof MESSAGE_TYPES;
export type MessageType = (typeof MESSAGE_TYPES)[MessageName];
export type NamedBody = readonly [
    name: string,
    ...args: unknown[]
];
export type Negotiation = {
    readonly kind: 'accept';
    readonly subprotocol: string;
} | {
    readonly kind: 'close';
    readonly subprotocol: string;
} | {
    readonly kind: 'refuse';
};
export declare const POLL_CONTENT_TYPE = "application/x-roomcast";
export declare const POLL_HEADERS: {
    readonly session: "roomcast-session";
    readonly seq: "roomcast-seq";
};
export declare const POLL_ROUTE = "poll/v1";
export declare const PROTOCOL_VERSION = 1;
export type PositionEntry = readonly [
    number: number,
    position: number
];
export interface PublicUser {
    readonly id: string;
}
export declare const REFUSAL_SUBPROTOCOL = "roomcast";
export declare const RESERVED_EVENTS: ReadonlySet<string>;
export interface ReadHeader extends FrameHeader {
    bodyStart: number;
}
export interface ResumeBody {
    readonly secret: string;
    readonly own: number;
    readonly rooms: readonly PositionEntry[];
}
export type RoomEntry = readonly [
    number: number,
    position: number,
    recovered: boolean
];
export declare class RoomcastError extends Error {
    readonly code: ErrorCode | (string & {});
    readonly data: unknown;
    constructor(code: ErrorCode | (string & {}), message: string, options?: RoomcastErrorOptions);
}
export interface RoomcastErrorOptions {
    readonly data?: unknown;
    readonly cause?: unknown;
}
export declare const SUBPROTOCOL = "roomcast.v1";
export interface SessionBody {
    readonly secret: string;
    readonly windowMs: number;
    readonly resumed: boolean;
    readonly recovered: boolean;
    readonly own: number;
}
export declare class SocketEmitter<User extends EventsMap, Reserved extends EventsMap> extends Emitter<User, Reserved> {
    #private;
    onAny(listener: CatchAllListener): this;
    prependAny(listener: CatchAllListener): this;
    offAny(listener?: CatchAllListener): this;
    listenersAny(): readonly CatchAllListener[];
    onAnyOutgoing(listener: CatchAllListener): this;
    prependAnyOutgoing(listener: CatchAllListener): this;
    offAnyOutgoing(listener?: CatchAllListener): this;
    listenersAnyOutgoing(): readonly CatchAllListener[];
}
export interface SwitchBody {
    readonly session: string;
    readonly received: number;
}
export declare const TYPE_MASK = 31;
export type TimedArgs<Map extends EventsMap, Event extends EventNames<Map>> = HasAck<EventArgs<Map, Event>> extends true ? [
    ...ButLast<EventArgs<Map, Event>>,
    AckWithError<NonNullable<Last<EventArgs<Map, Event>>>>
] : EventArgs<Map, Event>;
export interface UserEntry<User extends PublicUser = DefaultUser> {
    readonly user: User;
    readonly devices: number;
    readonly joinedAt: number;
}
export interface ValueCodec {
    readonly name: string;
    encode(value: unknown, reserve: number): Uint8Array;
    decode(bytes: Uint8Array, start: number): unknown;
}
export declare function assertBodyAllowed(bytes: Uint8Array, start: number, end: number, limits?: GateLimits): void;
export declare function assertEmittable(event: unknown): asserts event is string;
export declare function assertRoomName(room: unknown): asserts room is string;
export declare function assertTimeout(ms: number): number;
export declare function callListener(listener: AnyListener, self: unknown, args: readonly unknown[], onError: (error: unknown) => void): void;
export declare function closeVerdict(code: number): CloseVerdict;
export declare function createCompactCodec(): ValueCodec;
export declare function createHeader(): ReadHeader;
export declare function encodeFrame(codec: ValueCodec, fields: FrameFields, body: unknown): Uint8Array;
export declare function headerLength(header: FrameHeader): number;
export declare function isCount(value: unknown): value is number;
export declare function isNamespaceName(name: unknown): name is string;
export declare function isPosition(value: unknown): value is PositionEntry;
export declare function isRoomcastError(error: unknown): error is RoomcastError;
export declare function isThenable(value: unknown): value is PromiseLike<unknown>;
export declare function isUser(value: unknown): value is PublicUser;
export declare function isValidName(name: unknown, maxBytes: number): name is string;
export declare function negotiateSubprotocol(offered: string): Negotiation;
export declare function prependHeader(fields: FrameFields, body: Uint8Array): Uint8Array;
export declare function readArguments(body: unknown): unknown[];
export declare function readBatch(bytes: Uint8Array, onFrame: (frame: Uint8Array, number: number) => void): void;
export declare function readCloseBody(body: unknown): CloseBody;
export declare function readConnectBody(body: unknown): ConnectBody;
export declare function readConnectErrorBody(body: unknown): ConnectErrorBody;
export declare function readConnectedBody(body: unknown): ConnectedBody;
export declare function readDisconnectBody(body: unknown): EndBody | undefined;
export declare function readErrorBody(body: unknown): ErrorBody;
export declare function readHeader(bytes: Uint8Array, into: ReadHeader): ReadHeader;
export declare function readNamedBody(body: unknown): NamedBody;
export declare function readSwitchBody(body: unknown): SwitchBody;
export declare function splitAck(args: readonly unknown[]): {
    data: readonly unknown[];
    ack: ((...args: unknown[]) => void) | null;
};
export declare function toErrorBody(error: unknown, fallbackCode: string, fallbackMessage: string): ErrorBody;
export declare function utf8Length(text: string): number;
export declare function withPosition(frame: Uint8Array, namespace: number, room: number, seq: number): Uint8Array;
export declare function writeBatch(frames: readonly Uint8Array[], first: number): Uint8Array<ArrayBuffer>;
export declare function writeHeader(bytes: Uint8Array, header: FrameHeader): number;
type AckWithError<Fn> = Fn extends (...args: infer Args) => unknown ? (error: Error | null, ...args: Args) => void : never;
type AnyFunction = (...args: any[]) => any;
type ButLast<Args extends readonly unknown[]> = Args extends readonly [
    ...infer First,
    infer _Tail
] ? First : Args;
type FirstParameter<Fn> = Fn extends (first: infer First, ...rest: never[]) => unknown ? First : never;
type HasAck<Args extends readonly unknown[]> = [
    NonNullable<Last<Args>>
] extends [
    never
] ? false : NonNullable<Last<Args>> extends AnyFunction ? true : false;
type Last<Args extends readonly unknown[]> = Args extends readonly [
    ...infer _First,
    infer Tail
] ? Tail : undefined;
