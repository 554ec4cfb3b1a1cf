// As book.py: which methods a client of Vital has, which of our routes they ask, and what
// came of it.
const REASONS = require("./reasons.json").map(([fits, why]) => [new RegExp(fits), why]);

const template = (path) => path.replace(/\$?\{[^}]*\}/g, "{}");
const snake = (name) => name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase());

async function ourRoutes(base) {
  const { paths } = await (await fetch(base + "/openapi.json")).json();
  const routes = {};
  for (const [path, verbs] of Object.entries(paths)) for (const verb of Object.keys(verbs)) routes[`${verb.toUpperCase()} ${template(path)}`] = path;
  return routes;
}

// Each method's name to the verb and the route that its source asks for.
function methodsOf(client) {
  const found = {};
  for (const part of Object.getOwnPropertyNames(Object.getPrototypeOf(client))) {
    const of = part === "constructor" ? null : client[part];
    if (!of || typeof of !== "object") continue;
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(of))) {
      if (!name.startsWith("__")) continue;
      const source = of[name].toString();
      const path = source.match(/[`"]\/?(v\d\/[^`"]+)[`"]/), verb = source.match(/method: "(\w+)"/);
      found[`${part}.${name.slice(2)}`] = path && verb ? `${verb[1]} /${template(path[1])}` : "";
    }
  }
  return found;
}

class Book {
  constructor(client, routes, methods) {
    Object.assign(this, { client, routes, methods, answers: [], called: new Set(), failed: 0 });
    const fetching = globalThis.fetch;
    globalThis.fetch = async (...asked) => {
      const answer = await fetching(...asked);
      this.answers.push({ status: answer.status, text: await answer.clone().text(), headers: answer.headers });
      return answer;
    };
  }

  statuses() {
    return this.answers.map((a) => a.status).join(" ");
  }

  line(method, outcome) {
    const [verb, route] = this.methods[method].split(" ");
    console.log(`${this.client.padEnd(28)} ${method.padEnd(32)} ${verb.padEnd(6)} ${(this.routes[this.methods[method]] ?? route).padEnd(58)} ${outcome}`);
  }

  // One call that must succeed, and give what is expected.
  async does(method, call, expect = () => true, note = "") {
    this.called.add(method);
    this.answers.length = 0;
    let got;
    try {
      got = await call();
      if (!expect(got)) throw new Error(`not as expected: ${JSON.stringify(got)}`);
    } catch (problem) {
      return this.fault(method, problem);
    }
    this.line(method, this.statuses() + note);
    return got;
  }

  // One call that must fail with a status, and with our words in the error.
  async refuses(method, status, call, holds = () => true) {
    this.called.add(method);
    this.answers.length = 0;
    try {
      await call();
    } catch (raised) {
      if (raised.statusCode !== status || !raised.body?.detail || !holds(raised)) return this.fault(method, raised);
      return this.line(method, `${this.statuses()} throws ${raised.constructor.name}`);
    }
    this.fault(method, new Error(`no error, wanted ${status}`));
  }

  fault(method, problem) {
    this.failed++;
    this.line(method, "FAILED");
    console.log(`  ${problem.stack}\n  the last answer: ${this.answers.at(-1)?.status} ${this.answers.at(-1)?.text}`);
  }

  // Says which methods have no route, and why; true if all others were called.
  close() {
    const without = {};
    for (const [method, route] of Object.entries(this.methods)) {
      if (!this.routes[route]) {
        const [, why] = REASONS.find(([fits]) => fits.test(snake(method)));
        (without[why] ??= []).push(method);
      } else if (!this.called.has(method)) {
        this.failed++;
        this.line(method, "FAILED: not called");
      }
    }
    for (const [why, methods] of Object.entries(without).sort()) console.log(`${this.client.padEnd(28)} without a route (${why}): ${methods.join(", ")}`);
    const n = Object.values(without).flat().length;
    console.log(`${this.client.padEnd(28)} ${Object.keys(this.methods).length - n} methods with a route, ${n} without a route, ${this.failed} failures`);
    return this.failed === 0;
  }
}

module.exports = { Book, methodsOf, ourRoutes };
