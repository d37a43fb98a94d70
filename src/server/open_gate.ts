/** Puts the gate together: what recognises callers, what they may, and what is written down of them. */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import { type AuditReader, createAuditReader } from "../gate/audit_reader.ts";
import { type CertificateRecognizer, createCertificateRecognizer } from "../gate/client_certificate.ts";
import { createGate, type Gate } from "../gate/gate.ts";
import { KeyRing } from "../gate/key_ring.ts";
import { createKeys, type Keys } from "../gate/keys.ts";
import { createOidcRecognizer } from "../gate/oidc.ts";
import { createRateLimits, DEFAULT_FAILURES } from "../gate/rate_limits.ts";
import { RefusalLog } from "../gate/refusal_log.ts";
import { createTokens, type Tokens } from "../gate/tokens.ts";
import type { Store } from "../store/store.ts";
import type { ServerConfig } from "./config.ts";
import type { Tls } from "./tls.ts";

/** What the doors need of the gate. */
export interface OpenGate {
  readonly gate: Gate;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly audit: AuditReader;
  readonly refusals: RefusalLog;
  /** Writes down what is still to be written. */
  close(): Promise<void>;
}

type GateConfig = Pick<ServerConfig, "apiKeys" | "oidc" | "rateLimits">;

export interface OpenGateOptions {
  /** False where nobody needs credentials because nobody is served. Default: true. */
  readonly isServing?: boolean;
  readonly config: GateConfig;
  readonly store: Pick<Store, "apiKeys" | "audit" | "notices">;
  readonly tls: Tls | null;
  readonly logger: Logger;
}

export async function openGate({ config, store, tls, logger, isServing = true }: OpenGateOptions): Promise<OpenGate> {
  const now = (): Millis => Date.now();
  const ring = await KeyRing.open(config.apiKeys, store.apiKeys, now);
  const stopFollowing = followKeys(ring, store, logger);
  const tokens = createTokens(await store.apiKeys.secret(), ring);
  const certificates = certificatesOf(tls);
  const oidc = config.oidc === null ? null : createOidcRecognizer(config.oidc, { logger, now });
  const isRequired = (): boolean => !ring.isEmpty || certificates !== null || oidc !== null;
  const refusals = new RefusalLog({
    log: store.audit,
    now,
    onFault: (error) => logger.error({ err: error }, "refused calls can't be written into the audit log"),
  });
  return {
    gate: createGate({
      recognizers: [ring.recognize, ...(oidc === null ? [] : [oidc]), tokens.recognize],
      recognizeCertificate: certificates === null ? null : (certificate) => certificates.recognize(certificate),
      isRequired,
      limits: createRateLimits({ ...config.rateLimits, failures: DEFAULT_FAILURES }),
    }),
    keys: createKeys({ store: store.apiKeys, ring, now, isOpen: () => isServing && !isRequired() }),
    tokens,
    audit: createAuditReader(store.audit),
    refusals,
    close: async () => {
      stopFollowing();
      await refusals.close();
    },
  };
}

/** How long a key that another replica made or revoked stays unknown at most, if the notice of it got lost. */
const LOOK_AT_KEYS: Millis = 1_000;

/** Keeps the ring up to what other replicas do with keys, until the returned function is called. */
function followKeys(ring: KeyRing, { apiKeys, notices }: OpenGateOptions["store"], logger: Logger): () => void {
  if (notices === null) return () => undefined;
  const refresh = (): void => {
    ring.refresh(apiKeys).catch((error: unknown) => logger.warn({ err: error }, "the keys can't be looked at"));
  };
  const stopListening = notices.listen(({ type }) => {
    if (type === "keys" || type === "missed") refresh();
  });
  const timer = setInterval(refresh, LOOK_AT_KEYS);
  return () => {
    stopListening();
    clearInterval(timer);
  };
}

/** Null: client certificates stand for nobody. */
function certificatesOf(tls: Tls | null): CertificateRecognizer | null {
  const rules = tls?.current.clientRules ?? null;
  if (tls === null || rules === null) return null;
  const certificates = createCertificateRecognizer(rules);
  tls.onChange(({ clientRules }) => certificates.setRules(clientRules ?? []));
  return certificates;
}
