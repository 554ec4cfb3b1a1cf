// As python_client.py, by one of the clients for JavaScript.
//
//   node node_client.js @junction-api/sdk|@tryvital/vital-node PERSON    BASE, BACK, STUDY, KEY, HURRIED, START and PYTHON in the environment
const { execFileSync } = require("node:child_process");
const { randomUUID } = require("node:crypto");
const { isDeepStrictEqual } = require("node:util");
const path = require("node:path");
const { Book, methodsOf, ourRoutes } = require("./book.js");
const { consent } = require("./consent.js");

const [PACKAGE, PERSON] = process.argv.slice(2);
const { BASE, BACK, STUDY, KEY, HURRIED, START, PYTHON } = process.env;
const sdk = require(PACKAGE);
const version = require(path.join(__dirname, "node_modules", PACKAGE, "package.json")).version;
const Client = sdk.JunctionClient ?? sdk.VitalClient;
const connect = (apiKey) => new Client({ apiKey, baseUrl: BASE });
const ONCE = { maxRetries: 0 };
let book;

// The newer client takes one object, the older one what stands in the path first.
function ask(c, method, inPath = {}, rest, options) {
  const [part, name] = method.split(".");
  if (sdk.JunctionClient) return c[part][name]({ ...inPath, ...rest }, options);
  return c[part][name](...Object.values(inPath), ...(rest ? [rest] : []), options);
}

const does = (c, method, inPath, rest, expect) => book.does(method, () => ask(c, method, inPath, rest), expect);
const refuses = (c, status, method, inPath, rest, holds, options) => book.refuses(method, status, () => ask(c, method, inPath, rest, options), holds);

async function people(c) {
  const { userId } = await does(c, "user.create", {}, { clientUserId: PERSON, fallbackTimeZone: "America/New_York", ingestionStart: START }, (u) => u.clientUserId === PERSON);
  await refuses(c, 400, "user.create", {}, { clientUserId: PERSON }, (e) => JSON.stringify(e.body).includes(userId));
  await refuses(c, 422, "user.create", {}, { clientUserId: "two words" });
  const user = await does(c, "user.get", { userId }, undefined,
    (u) => u.clientUserId === PERSON && u.userId === userId && u.connectedSources.length === 0 && u.ingestionStart === START);
  const same = (u) => isDeepStrictEqual(u, user);
  await refuses(c, 404, "user.get", { userId: randomUUID() });
  await refuses(c, 422, "user.get", { userId: "P001" });
  await refuses(connect("dxk_wrong"), 401, "user.get", { userId });
  await does(c, "user.getByClientUserId", { clientUserId: PERSON }, undefined, same);
  await does(c, "user.getAll", {}, { offset: 0, limit: 500 }, (page) => page.users.some(same) && page.total === page.users.length);
  await does(c, "user.patch", { userId }, { fallbackTimeZone: "Europe/Berlin" });
  await does(c, "user.get", { userId }, undefined, (u) => u.fallbackTimeZone.id === "Europe/Berlin");
  await does(c, "user.getConnectedProviders", { userId }, undefined, (p) => p.providers.length === 0);
  return userId;
}

async function agree(c, userId) {
  await does(c, "providers.getAll", {}, {}, (all) => all.length === 1 && all[0].slug === "dexcom_v3");
  await refuses(c, 422, "link.token", {}, { userId, redirectUrl: "https://elsewhere.example/" });
  const link = await does(c, "link.token", {}, { userId, provider: "dexcom_v3", redirectUrl: BACK + "?session=7" });
  const token = { vitalLinkToken: link.linkToken };
  await does(c, "link.codeCreate", {}, { userId }, (code) => code.exchangeUrl.startsWith(BASE));
  await does(c, "link.getAllProviders", {}, token, (all) => all[0].slug === "dexcom_v3");
  await does(c, "link.generateOauthLink", { oauthProvider: "dexcom_v3" }, token, (source) => source.oauthUrl === link.linkWebUrl);
  await refuses(c, 401, "link.getAllProviders", {}, { vitalLinkToken: "none" });
  await consent(link.linkWebUrl, PERSON, BACK + "?session=7&state=success");
  await refuses(c, 401, "link.getAllProviders", {}, token, (e) => e.body.detail === "token_consumed");
  await does(c, "user.get", { userId }, undefined, (u) => u.connectedSources.map((s) => s.provider.slug).join() === "dexcom_v3");
}

async function state(c, userId) {
  await does(c, "user.refresh", { userId }, { timeout: 50 }, (r) => r.refreshedSources.join() === "dexcom_v3");
  await does(c, "user.getConnectedProviders", { userId }, undefined,
    (p) => p.providers[0].status === "connected" && p.providers[0].resourceAvailability.glucose.status === "available");
  const [device] = await does(c, "user.getDevices", { userId }, undefined, (all) => all[0].provider === "dexcom_v3");
  await does(c, "user.getDevice", { userId, deviceId: device.id }, undefined, (one) => isDeepStrictEqual(one, device));
  await refuses(c, 404, "user.getDevice", { userId, deviceId: randomUUID() });
  await does(c, "introspect.getUserResources", {}, { userId, provider: "dexcom_v3" }, (page) => page.data[0].provider.dexcom_v3.glucose.newestData);
  await does(c, "introspect.getUserHistoricalPulls", {}, { userId }, (page) => page.data[0].provider.dexcom_v3.pulled.glucose.status === "success");
}

// All pages of samples of a kind, as a program gets them.
async function paged(c, method, userId) {
  const samples = [];
  let nextCursor;
  do {
    const page = await ask(c, method, { userId }, { startDate: "2020-01-01", endDate: "2030-01-01", nextCursor });
    for (const groups of Object.values(page.groups)) for (const group of groups) samples.push(...group.data);
    nextCursor = page.nextCursor;
  } while (nextCursor);
  return samples;
}

// Throws where samples are not what stands in the files.
function compare(kind, samples) {
  const plain = samples.map((s) => ({ timestamp: s.timestamp, timezone_offset: s.timezoneOffset ?? null, unit: s.unit, value: s.value, type: s.type ?? null, intensity: s.intensity ?? null }));
  execFileSync(PYTHON, [path.join(__dirname, "parquet.py"), STUDY, PERSON, kind], { input: JSON.stringify(plain) });
  return true;
}

async function data(c, userId) {
  for (const [kind, name] of [["insulin_injection", "insulinInjection"], ["carbohydrates", "carbohydrates"], ["workout_duration", "workoutDuration"], ["note", "note"], ["glucose", "glucose"]]) {
    const samples = await book.does(`vitals.${name}Grouped`, () => paged(c, `vitals.${name}Grouped`, userId), (all) => compare(kind, all));
    if (kind === "glucose" && c.vitals.glucose) await does(c, "vitals.glucose", { userId }, { startDate: "2020-01-01" }, (all) => isDeepStrictEqual(all, samples));
  }
  await does(c, "vitals.glucoseGrouped", { userId }, { startDate: START, provider: "oura" }, (page) => Object.keys(page.groups).length === 0);
  const milligrams = { queryParams: { unit: "mg/dL" } };
  await book.does("vitals.glucoseGrouped", () => ask(c, "vitals.glucoseGrouped", { userId }, { startDate: START }, milligrams),
    (page) => page.groups.dexcom_v3[0].data.every((s) => s.unit === "mg/dL" && Number.isInteger(s.value)), " (in mg/dL)");
  await refuses(c, 422, "vitals.glucoseGrouped", { userId }, { startDate: "yesterday" });
  await refuses(c, 404, "activity.get", { userId }, { startDate: START });
}

// Refusals for too much, and the end of a connection and of a user.
async function ends(c, userId) {
  try {
    for (let n = 0; n < 20; n++) await ask(c, "user.refresh", { userId }, { timeout: 50 }, ONCE);
  } catch {
    // The last one is looked at below.
  }
  await refuses(c, 429, "user.refresh", { userId }, { timeout: 50 }, () => Number(book.answers.at(-1).headers.get("retry-after")) > 0, ONCE);
  await does(c, "user.deregisterProvider", { userId, provider: "dexcom_v3" }, undefined, (r) => r.success);
  await does(c, "user.delete", { userId }, undefined, (r) => r.success);
  await refuses(c, 404, "user.get", { userId });
  await does(c, "user.undoDelete", {}, { userId }, (r) => r.success);
  await does(c, "user.get", { userId }, undefined, (u) => u.connectedSources.length === 0);
}

// A key that asks too often waits as long as it is told, and goes on.
async function hurry() {
  const c = connect(HURRIED);
  for (let n = 0; n < 20; n++) { // a busy machine may let it rest long enough
    while ((await fetch(BASE + "/v2/providers", { headers: { "x-vital-api-key": HURRIED } })).ok);
    book.answers.length = 0;
    await ask(c, "providers.getAll", {}, {});
    if (book.answers.length > 1 && book.answers[0].status === 429) return book.line("providers.getAll", `${book.statuses()} (waited for Retry-After)`);
  }
  throw new Error("the client was never told to wait");
}

(async () => {
  book = new Book(`${PACKAGE} ${version}`, await ourRoutes(BASE), methodsOf(connect("none")));
  try {
    const c = connect(KEY);
    const userId = await people(c);
    await agree(c, userId);
    await state(c, userId);
    await data(c, userId);
    await ends(c, userId);
    await hurry();
  } catch (problem) {
    book.fault("user.get", problem);
  }
  process.exit(book.close() ? 0 : 1);
})();
