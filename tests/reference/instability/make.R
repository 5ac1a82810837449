# Values of R 4.2.2 (stats): Rscript make.R writes instability.json: a logistic model, its models on 12 resamples, and
# prediction, classification and calibration instability by their definitions.
suppressMessages(library(jsonlite))
set.seed(5); n <- 80; x <- round(matrix(rnorm(3 * n), n), 2); y <- rbinom(n, 1, plogis(-.5 + x %*% c(1, .5, 0)))
d <- data.frame(y, x); f <- glm(y ~ ., binomial, d, control = list(epsilon = 1e-12)); p <- unname(fitted(f))
P <- t(replicate(12, unname(predict(glm(y ~ ., binomial, d[sample(n, n, TRUE), ], control = list(epsilon = 1e-12)), d, type = "response"))))
lp <- qlogis(P); recal <- t(apply(lp, 1, function(l) coef(glm(y ~ l, binomial, control = list(epsilon = 1e-12)))))
out <- list(y = y, p = p, P = P, patient_mape = colMeans(abs(sweep(P, 2, p))), mape = mean(abs(sweep(P, 2, p))),
  low = apply(P, 2, quantile, .025), high = apply(P, 2, quantile, .975), patient_instability = colMeans(sweep(P >= .4, 2, p >= .4, "!=")),
  intercept = recal[, 1], slope = recal[, 2], brier = colMeans((t(P) - y)^2),
  auc = apply(P, 1, function(q) unname(wilcox.test(q[y == 1], q[y == 0], exact = FALSE)$statistic / sum(y) / sum(1 - y))))
write_json(out, "instability.json", digits = NA)
