# Values of R 4.2.2, survival 3.5-3, cmprsk 2.2-11, prodlim: Rscript make.R writes groups.json and the CSV files beside it.
suppressMessages({library(survival); library(cmprsk); library(prodlim); library(jsonlite)})
set.seed(2); out <- list()
make <- function(n, round_to, causes) {
  g <- sample(c("high", "low", "mid"), n, TRUE); s <- sample(c("n", "s"), n, TRUE)
  t <- rexp(n, c(high = 1.4, low = .8, mid = 1)[g]) * 10; e <- sample(0:2, n, TRUE, c(.3, .4, .3))
  data.frame(time = if (is.na(round_to)) round(t, 4) else ceiling(t / round_to), code = if (causes) e else as.integer(e > 0), group = g, site = s)
}
data <- list(plain = make(120, NA, TRUE), tied = make(150, 4, TRUE), tiny = make(14, 3, TRUE), single = make(60, 2, FALSE))
for (name in names(data)) {
  d <- data[[name]]; write.csv(d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE); r <- list(data = name)
  y <- Surv(d$time, d$code == 1); lev <- sort(unique(d$group)); p <- combn(lev, 2)
  for (rho in 0:1) for (st in c(FALSE, TRUE)) {
    f <- if (st) survdiff(y ~ group + strata(site), d, rho = rho) else survdiff(y ~ group, d, rho = rho)
    o <- if (st) rowSums(f$obs) else f$obs; x <- if (st) rowSums(f$exp) else f$exp; c <- 1:3; k <- paste0("logrank_", rho, st)
    r[[k]] <- list(chisq = f$chisq, var = f$var, trend = sum(c * (o - x)) / sqrt(drop(c %*% f$var %*% c)))
    if (!st) { q <- apply(p, 2, function(v) survdiff(y[d$group %in% v] ~ d$group[d$group %in% v], rho = rho)$chisq)
      r[[paste0("pairs_", rho)]] <- list(chisq = q, holm = p.adjust(pchisq(q, 1, lower.tail = FALSE), "holm")) }
  }
  tau <- as.numeric(quantile(d$time, .6)); tau <- min(tau, min(tapply(d$time, d$group, max)))
  m <- summary(survfit(y ~ group, d), rmean = tau)$table; r$rmean <- list(tau = tau, mean = unname(m[, "rmean"]), se = unname(m[, "se(rmean)"]))
  at <- as.numeric(quantile(d$time, c(.25, .5, .75), type = 1))
  for (type in c("log-log", "log", "plain")) {
    if (max(d$code) == 2) {
      f <- summary(survfit(Surv(time, factor(code)) ~ 1, d, conf.type = type), times = at)
      r[[paste0("aj_", type)]] <- list(times = at, value = f$pstate[, -1], se = f$std.err[, -1], low = f$lower[, -1], high = f$upper[, -1]) }
  }
  if (max(d$code) == 2) {
    z <- prodlim(Hist(time, code) ~ 1, d); j <- match(at, z$time)
    r$prodlim_se <- cbind(z$se.cuminc[["1"]][j], z$se.cuminc[["2"]][j])
    r$gray <- cuminc(d$time, d$code, d$group)$Tests; r$gray_rho <- cuminc(d$time, d$code, d$group, rho = 1)$Tests
    if (name != "tiny") r$gray_strata <- cuminc(d$time, d$code, d$group, strata = d$site)$Tests
  } else r$gray_single <- cuminc(d$time, d$code, d$group)$Tests
  out[[name]] <- r
}
write_json(out, "groups.json", digits = NA, auto_unbox = TRUE)
