// A person in a browser: opens a link of the study, presses its button, signs in to the
// simulated Dexcom and agrees. Standard output has the address at which that ends.
//
//   node consent.js LINK PERSON END    END is what that address begins with
const puppeteer = require("puppeteer-core");

async function consent(link, person, end) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-component-update"],
  });
  try {
    const page = await browser.newPage();
    const pressed = async (selector) => {
      await Promise.all([page.waitForNavigation({ timeout: 60000 }), page.click(selector)]);
      return page.url();
    };
    await page.goto(link, { timeout: 60000 });
    await pressed("form button");
    await page.select("#user", person);
    const at = await pressed("form button:not([name=deny])");
    if (!at.startsWith(end)) throw new Error(`the browser is at ${at}: ${await page.evaluate(() => document.body.innerText)}`);
    return at;
  } finally {
    await browser.close();
  }
}

module.exports = { consent };
if (require.main === module) {
  consent(...process.argv.slice(2)).then(console.log, (problem) => {
    console.error(String(problem));
    process.exit(1);
  });
}
