// Which room of src/ may import from which: imports only ever point down.
// A room missing from another's list is closed to it.
const rooms = ["domain", "store", "engines", "service", "gate", "rpc", "rest", "server", "client", "cli"];
const mayImport = {
  domain: [],
  store: ["domain"],
  engines: ["domain"],
  service: ["store", "engines", "domain"],
  gate: ["store", "domain"],
  rpc: ["service", "gate", "domain"],
  // The dialects speak through the RPCs, so that both have the same validation, errors and statuses.
  rest: ["rpc", "service", "gate", "domain"],
  // The composition root is here, so it sees every room it puts together.
  server: ["rpc", "rest", "service", "gate", "store", "engines", "domain"],
  // Published on its own: it knows the contract, not the service behind it.
  client: [],
  cli: ["server", "client", "rpc", "rest", "service", "gate", "store", "engines", "domain"],
};

// Only the doors speak protobuf; the core and what it stands on know nothing of the wire.
const mayImportGen = ["rpc", "rest", "server", "client", "cli"];

const anyOf = (names) => `(${names.join("|")})`;

const roomRules = rooms.map((room) => ({
  name: `${room}-imports-only-down`,
  comment: `src/${room} may import from: ${mayImport[room].join(", ") || "no other room"}`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: { path: "^src/", pathNot: `^src/${anyOf([room, ...mayImport[room]])}/` },
}));

// Tools and tests use the service, never the other way round. The benchmark takes its PostgreSQL from the tests.
const mayBeImportedBy = { test: ["test", "bench"], bench: ["bench", "test"], scripts: ["scripts", "test"] };

const leafRules = Object.entries(mayBeImportedBy).map(([folder, importers]) => ({
  name: `nobody-imports-${folder}`,
  comment: `${folder}/ may be imported by: ${importers.join(", ")}`,
  severity: "error",
  from: { pathNot: `^${anyOf(importers)}/` },
  to: { path: `^${folder}/` },
}));

export default {
  forbidden: [
    ...roomRules,
    ...leafRules,
    {
      name: "src-is-made-of-rooms",
      comment: "A file that stands outside the known rooms escapes their rules",
      severity: "error",
      from: { path: "^src/", pathNot: `^src/${anyOf(rooms)}/` },
      to: {},
    },
    {
      name: "domain-is-pure",
      comment: "The core imports no package and no built-in of Node",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { pathNot: "^src/", dependencyTypesNot: ["local"] },
    },
    {
      name: "only-doors-import-gen",
      comment: `gen/ may be imported by: ${mayImportGen.join(", ")}`,
      severity: "error",
      from: { path: "^src/", pathNot: `^src/${anyOf(mayImportGen)}/` },
      to: { path: "^gen/" },
    },
    {
      name: "gen-stands-alone",
      comment: "The contract knows nothing of what implements it",
      severity: "error",
      from: { path: "^gen/" },
      to: { path: "^src/" },
    },
    {
      name: "no-cycles",
      comment: "Types in a circle cannot be read top-down either: `import type` counts",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolvable-imports",
      comment: "Also what package.json lacks and another package happened to bring along",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "src-uses-only-dependencies",
      comment: "What runs in production is listed under dependencies in package.json",
      severity: "error",
      from: { path: "^(src|gen)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    // dependency-cruiser reads TypeScript through TypeScript 6 at most, or through swc. Both see `import type`.
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
