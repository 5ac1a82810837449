# Values of R 4.2.2, survival 3.5-3 for the Cox models: Rscript make.R writes cox.json and the CSV files beside it.
suppressMessages({library(survival); library(jsonlite)})
tight <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 60)
lung2 <- na.omit(lung[, c("time", "status", "age", "sex", "ph.ecog", "inst")])
lung2$status <- lung2$status - 1
lung2$ecog <- paste0("ecog", pmin(lung2$ph.ecog, 2)); lung2$ph.ecog <- NULL
lung2$site <- ifelse(lung2$inst > 10, "north", "south"); lung2$inst <- NULL
lung2$tied <- ceiling(lung2$time / 90)
set.seed(11)
tiny <- data.frame(time = c(1, 2, 2, 3, 5, 5, 5, 8, 9), tied = c(1, 1, 1, 1, 2, 2, 2, 3, 3),
                   status = c(1, 1, 0, 1, 1, 1, 0, 1, 0), age = c(3, 1, 2, 2, 5, 1, 4, 2, 3) / 2,
                   sex = c(0, 1, 1, 0, 1, 0, 0, 1, 1), ecog = "", site = rep(c("north", "south", "south"), 3))
n <- 60; pairs <- data.frame(site = paste0("p", sprintf("%02d", rep(1:(n / 2), each = 2))), age = round(rnorm(n), 2), sex = rbinom(n, 1, .5), ecog = "")
pairs$time <- round(rexp(n, exp(.5 * pairs$age)), 1) + .1; pairs$status <- rbinom(n, 1, .8); pairs$tied <- ceiling(pairs$time)
one <- function(data, formula, ties, strata = TRUE) {
  f <- coxph(as.formula(formula), data, ties = ties, control = tight)
  s <- summary(f); X <- model.matrix(f)
  refit <- function(j, b) {  # profile log-likelihood
    r <- X[, -j, drop = FALSE]; y <- f$y
    st <- if (is.null(attr(terms(f), "specials")$strata)) rep(1, nrow(X)) else data$site
    o <- b * X[, j]
    if (ncol(r)) coxph(y ~ r + offset(o) + strata(st), ties = ties, control = tight)$loglik[2]
    else coxph(y ~ offset(o) + strata(st), ties = ties, control = tight)$loglik[1]
  }
  limit <- function(j, side) {
    g <- function(b) 2 * (f$loglik[2] - refit(j, b)) - qchisq(.95, 1)
    b <- coef(f)[[j]]; e <- sqrt(vcov(f)[j, j])
    uniroot(g, sort(c(b, b + side * 6 * e)), tol = 1e-11, extendInt = "no")$root
  }
  zph <- lapply(c(km = "km", rank = "rank", identity = "identity", log = "log"), function(tr) unclass(cox.zph(f, transform = tr)$table))
  res <- cox.zph(f, terms = FALSE)
  times <- quantile(data$time[data$status == 1], c(.25, .5)); if (grepl("tied", formula)) times <- quantile(data$tied[data$status == 1], c(.25, .5), type = 1)
  h <- survfit(f, newdata = if (length(unique(data$ecog)) > 1) data.frame(age = 0, sex = 0, ecog = sort(unique(data$ecog))[1]) else data.frame(age = 0, sex = 0))
  list(formula = formula, ties = ties, coef = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))), loglik = f$loglik, score = unname(s$sctest[1]), wald = unname(f$wald.test),
       drop1 = unname(drop1(f, test = "Chisq")[-1, "LRT"]), single = sapply(seq_along(coef(f)), function(j) 2 * (f$loglik[2] - refit(j, 0))),
       profile = t(sapply(seq_along(coef(f)), function(j) c(limit(j, -1), limit(j, 1)))), zph = zph, zph_residuals = unname(head(res$y, 4)),
       concordance = unname(concordance(f)$concordance), concordance_se = unname(sqrt(vcov(concordance(f)))),
       uno = unname(concordance(f, timewt = "n/G2")$concordance), uno_se = unname(sqrt(vcov(concordance(f, timewt = "n/G2")))),
       times = unname(times), hazard = if (is.null(h$strata)) summary(h, times = times, extend = TRUE)$cumhaz else NULL,
       martingale = unname(head(residuals(f, "martingale"), 5)))
}
out <- list(); sets <- list(lung = lung2, tiny = tiny, pairs = pairs)
for (name in names(sets)) {
  d <- sets[[name]]; write.csv(d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
  for (ties in c("efron", "breslow")) for (time in c("time", "tied")) {
    rhs <- c("age", "age + sex", if (name == "lung") "age + sex + ecog", if (name != "tiny") "age + sex + strata(site)")
    if (name == "tiny" && time == "tied") rhs <- "age"
    for (r in rhs) { key <- paste(name, time, ties, r, sep = "|"); out[[key]] <- c(list(data = name), one(d, sprintf("Surv(%s, status) ~ %s", time, r), ties)) }
  }
}
# Monotone likelihood: no event with g = 1.
set.seed(3); n <- 40; g <- rep(0:1, each = 20); x <- round(rnorm(n), 2); z <- round(rnorm(n), 1)
mono <- data.frame(time = round(rexp(n, exp(.5 * x)), 2) + .01, status = ifelse(g == 1, 0, rbinom(n, 1, .8)), g, x, z)
write.csv(mono, "monotone.csv", row.names = FALSE)
f <- coxph(Surv(time, status) ~ x + z, mono[mono$g == 0, ], control = tight)  # the limit: without those who are never at stake
out$monotone <- list(data = "monotone", formula = "Surv(time, status) ~ x + z, g == 0", coef = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))), loglik = f$loglik[2])
write_json(out, "cox.json", digits = NA, auto_unbox = TRUE, null = "null")
